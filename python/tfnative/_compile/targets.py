# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What models can be compiled for."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from tfnative.errors import FailedPreconditionError

if TYPE_CHECKING:
    from tfnative_aot.link.available import AvailableTarget


def targets() -> tuple[AvailableTarget, ...]:
    """What ``compile(target=...)`` takes, and what this machine can do for it.

    Raises:
        FailedPreconditionError: The compiler is not installed.
    """
    if importlib.util.find_spec("tfnative_aot") is None:
        raise FailedPreconditionError(
            'compiling needs tfnative_aot: pip install "tfnative[aot]"'
        )
    from tfnative_aot.link.available import available_targets

    return available_targets()
