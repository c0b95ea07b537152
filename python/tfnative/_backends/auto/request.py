# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a user asks of ``load(..., backend="auto")``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tfnative._backends.options import COMPILING, LoadOptions
from tfnative._core import host_cpu_level


@dataclass(frozen=True)
class Request:
    """A SavedModel, and how its user wants it."""

    path: Path
    options: LoadOptions

    @property
    def tags(self) -> Sequence[str]:
        """Which graph."""
        return ("serve",) if self.options.tags is None else self.options.tags

    @property
    def level(self) -> str:
        """The CPU level to compile for."""
        return self._named_level or host_cpu_level()

    @property
    def names_level(self) -> bool:
        """Whether somebody wants that level, and no other."""
        return bool(self._named_level)

    @property
    def names_own(self) -> bool:
        """Whether what the compiler does not find may be this request's mistake."""
        asks = self.options.given(COMPILING).keys() - {"rtol"}
        return bool(asks or self._named_level)

    @property
    def _named_level(self) -> str | None:
        return self.options.cpu_level or os.environ.get("TFNATIVE_CPU_LEVEL")
