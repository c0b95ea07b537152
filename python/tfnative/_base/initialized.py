# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Objects that were made without ``__init__``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfnative.errors import FailedPreconditionError


class Initialized:
    """A class whose objects say so where they lack all that ``__init__`` sets.

    Whatever makes objects by ``__new__`` alone, as some tools that copy do, gets an
    error of tfnative's when it touches them.
    """

    if not TYPE_CHECKING:  # Which would take it for every attribute there is not.

        def __getattr__(self, name: str) -> Any:
            """Called for attributes that are not found, and for no others."""
            kind = type(self).__name__
            # What is private is all set by it. Others may have set something since.
            is_private = name.startswith("_") and not name.startswith("__")
            if is_private or not (name.startswith("__") or vars(self)):
                raise FailedPreconditionError(f"{kind}.__init__ was not called")
            raise AttributeError(f"{kind!r} object has no attribute {name!r}")
