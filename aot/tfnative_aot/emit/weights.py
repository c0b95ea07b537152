# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""One copy of every constant that some variant of an artifact reads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from tfnative_aot.program.program import Program
from tfnative_aot.program.traverse import slices, walk

ALIGNMENT = 64
"""Of each constant: TFN_ALIGNMENT in abi.h."""


class WeightPool:
    """Constants of all programs, each content once.

    Programs are added in a fixed order, so that the same programs give the same
    bytes.
    """

    def __init__(self, programs: Iterable[Program]) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._offsets: dict[bytes, int] = {}
        self._places: dict[tuple[str, int], int] = {}
        for program in programs:
            self._add(program)

    def offset(self, program: Program, allocation: int) -> int:
        """Where a constant of a program lies in ``data``."""
        return self._places[program.key.symbol, allocation]

    @property
    def data(self) -> bytes:
        """The constants, each aligned to ALIGNMENT bytes."""
        return b"".join(self._parts)

    def _add(self, program: Program) -> None:
        used = {s.allocation for step in walk(program.steps) for s in slices(step)}
        used |= {s.allocation for s in program.output_slices}
        for allocation in sorted(used & program.constants.keys()):
            content = program.constants[allocation].data
            place = program.key.symbol, allocation
            self._places[place] = self._intern(content)

    def _intern(self, content: bytes) -> int:
        digest = hashlib.sha256(content).digest()
        if digest not in self._offsets:
            self._offsets[digest] = self._size
            padding = -len(content) % ALIGNMENT
            self._parts += [content, bytes(padding)]
            self._size += len(content) + padding
        return self._offsets[digest]
