# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What models can be compiled for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfnative._compile import door

if TYPE_CHECKING:
    from tfnative._compile.door import AvailableTarget


def targets() -> tuple[AvailableTarget, ...]:
    """What ``compile(target=...)`` takes, and what this machine can do for it.

    Raises:
        FailedPreconditionError: The compiler is not installed.
    """
    return door.available_targets()
