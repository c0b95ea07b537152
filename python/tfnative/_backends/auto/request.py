# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a user asks of ``load(..., backend="auto")``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfnative._core import host_cpu_level

if TYPE_CHECKING:
    from tfnative._core import ThreadPool


@dataclass(frozen=True)
class CompileOptions:
    """How to compile what is not compiled yet; see ``load``."""

    signatures: Sequence[str] | None = None
    batch_sizes: Sequence[int] | None = None
    shapes: Mapping[str, Sequence[int]] | None = None
    rtol: float | None = None

    def given(self) -> list[str]:
        """The names of those that are set."""
        return [name for name, value in vars(self).items() if value is not None]


@dataclass(frozen=True)
class Request:
    """A SavedModel, and how its user wants it."""

    path: Path
    tags: Sequence[str] = ("serve",)
    cpu_level: str | None = None
    threads: int | ThreadPool = 1
    compile: CompileOptions = field(default_factory=CompileOptions)
    tensorflow: Mapping[str, Any] = field(default_factory=dict)

    @property
    def level(self) -> str:
        """The CPU level to compile for."""
        return (
            self.cpu_level or os.environ.get("TFNATIVE_CPU_LEVEL") or host_cpu_level()
        )

    @property
    def names_own(self) -> bool:
        """Whether what the compiler does not find may be this request's mistake."""
        asks = {"signatures", "shapes", "batch_sizes"} & set(self.compile.given())
        return bool(asks or self.cpu_level or os.environ.get("TFNATIVE_CPU_LEVEL"))
