# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""pyarrow, which whoever scores no tables does without."""

from __future__ import annotations

from typing import Any

from tfnative.errors import UnimplementedError


def pyarrow() -> Any:
    """The package, with what it imports on demand.

    Raises:
        UnimplementedError: It is not installed.
    """
    try:
        import pyarrow
        import pyarrow.compute
    except ImportError:
        raise UnimplementedError(
            "tables need pyarrow: pip install 'tfnative[score]'"
        ) from None
    return pyarrow
