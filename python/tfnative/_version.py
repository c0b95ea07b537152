# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The version of tfnative, as it was compiled in: pyproject.toml has it."""

from __future__ import annotations

from tfnative._core import __version__

__all__ = ["__version__"]
