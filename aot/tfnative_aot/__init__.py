# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The build side of tfnative: compiles TensorFlow models into native libraries.

Users call ``tfnative.compile``. Importing this package does not import TensorFlow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfnative_aot.pipeline import compile as compile

__all__ = ["compile"]


def __getattr__(name: str) -> Any:
    if name == "compile":
        from tfnative_aot.pipeline import compile as function

        return function
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
