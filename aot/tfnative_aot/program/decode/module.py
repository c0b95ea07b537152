# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Finds the instructions and computations of XLA's module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Module:
    """An HloModuleProto, by what its parts refer to each other.

    Attributes:
        by_name: All instructions, by name.
        by_id: All instructions, by id.
        computations: All computations, by id.
    """

    by_name: Mapping[str, Any]
    by_id: Mapping[int, Any]
    computations: Mapping[int, Any]

    @classmethod
    def read(cls, module: Any) -> Module:
        """Indexes a module."""
        by_name = {i.name: i for c in module.computations for i in c.instructions}
        return cls(
            by_name,
            {i.id: i for i in by_name.values()},
            {c.id: c for c in module.computations},
        )
