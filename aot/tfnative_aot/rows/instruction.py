# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""One instruction of the same program, compiled for several numbers of rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

Sizes = tuple[int, ...]


class DifferentError(Exception):
    """The program is another one for another number of rows."""


@dataclass(frozen=True)
class Result:
    """The shape of a result, for each number of rows.

    Attributes:
        dims: The sizes: for each dimension, in each program.
        rows: Number of rows of each program.
    """

    dims: tuple[Sizes, ...]
    rows: tuple[int, ...]

    @cached_property
    def row_dims(self) -> tuple[int, ...]:
        """Dimensions whose size is a multiple of the number of rows."""
        return tuple(d for d in range(len(self.dims)) if self.multiple(d))

    def multiple(self, dim: int) -> int:
        """How many times the rows a dimension has, or 0 if it does not depend on them.

        Raises:
            DifferentError: It depends on them in another way.
        """
        sizes = self.dims[dim]
        if len(set(sizes)) == 1:
            return 0
        factor = sizes[0] // self.rows[0]
        if factor and all(
            s == factor * n for s, n in zip(sizes, self.rows, strict=True)
        ):
            return factor
        raise DifferentError


@dataclass(frozen=True)
class Instruction:
    """An instruction, once for each number of rows.

    Attributes:
        each: The instruction in each of the programs.
        rows: Number of rows of each.
    """

    each: tuple[Any, ...]
    rows: tuple[int, ...]

    @property
    def first(self) -> Any:
        """The instruction in the first program."""
        return self.each[0]

    @property
    def opcode(self) -> str:
        """XLA's name of what it does."""
        return str(self.first.opcode)

    @cached_property
    def result(self) -> Result:
        """The shape of its result, if that is an array."""
        return Result(by_dimension(self.each, lambda i: i.shape.dimensions), self.rows)

    @cached_property
    def parts(self) -> tuple[Result, ...]:
        """Shapes of the arrays in its result, if that is a tuple of arrays."""
        shapes = [
            [tuple(shape.dimensions) for shape in i.shape.tuple_shapes]
            for i in self.each
        ]
        return tuple(
            Result(by_dimension(each, tuple), self.rows)
            for each in zip(*shapes, strict=True)
        )

    @property
    def dims(self) -> tuple[Sizes, ...]:
        """See ``Result``."""
        return self.result.dims

    @property
    def row_dims(self) -> tuple[int, ...]:
        """See ``Result``."""
        return self.result.row_dims

    def multiple(self, dim: int) -> int:
        """See ``Result``."""
        return self.result.multiple(dim)

    def same(self, read: Callable[[Any], object]) -> Any:
        """What is the same in all programs.

        Raises:
            DifferentError: It is not.
        """
        found = read(self.first)
        for other in self.each[1:]:
            if read(other) != found:
                raise DifferentError
        return found


def by_dimension(
    each: Sequence[Any], read: Callable[[Any], Sequence[int]]
) -> tuple[Sizes, ...]:
    """Numbers of each dimension, in each program."""
    lists = [tuple(read(one)) for one in each]
    if len({len(one) for one in lists}) > 1:
        raise DifferentError
    return tuple(zip(*lists, strict=True))
