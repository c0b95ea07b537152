# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Whether models can be compiled here, and with what. Imports no TensorFlow."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

from tfnative import cache
from tfnative._version import __version__
from tfnative_aot import adapters
from tfnative_aot.link.find_toolchain import find_toolchain
from tfnative_aot.link.toolchain import sources_dir


def versions() -> Mapping[str, str]:
    """Everything that decides what a model is compiled to.

    Returns:
        Version of tfnative, digest of the compiler, version of TensorFlow, and what
        the C compilers say of themselves.

    Raises:
        FailedPreconditionError: TensorFlow is missing or not a supported version.
        NotFoundError: There is no C compiler.
    """
    return {
        "tfnative": __version__,
        "compiler": compiler_digest(),
        "tensorflow": adapters.supported_version(),
        "toolchain": find_toolchain().version,
    }


@functools.cache
def compiler_digest() -> str:
    """Digest of the compiler's own code, and of the kernels and headers."""
    folders = (Path(__file__).parents[1], *sources_dir())
    return "-".join(
        cache.folder_digest(folder, lambda name: "__pycache__" not in name)[:16]
        for folder in folders
    )
