# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Packages that only this part of tfnative needs."""

from __future__ import annotations

from tfnative.errors import FailedPreconditionError


def missing(error: ModuleNotFoundError) -> FailedPreconditionError:
    """What to say of a package that is not installed."""
    name = (error.name or "?").split(".")[0]
    return FailedPreconditionError(
        f'tfnative.serving needs the package {name}: pip install "tfnative[serving]"'
    )
