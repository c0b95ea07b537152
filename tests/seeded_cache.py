# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A cache of a test's own that has the kernels of the user's."""

from __future__ import annotations

import shutil
from pathlib import Path

from tfnative._cache.folder import make_cache
from tfnative._cache.kernels import kernel_sets


def seed_cache(folder: Path) -> Path:
    """Copies the kernels that are compiled into another cache, and returns its path.

    Those of a CPU level take seconds to compile. What is missing is compiled as ever.

    Args:
        folder: The other cache. ``TFNATIVE_CACHE`` still says which one is the user's.
    """
    make_cache(folder)
    for kernels in kernel_sets():
        shutil.copytree(kernels, folder / "kernels" / kernels.name, dirs_exist_ok=True)
    return folder
