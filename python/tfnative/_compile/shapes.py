# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Shapes as ``--shape`` takes them."""

from __future__ import annotations

from collections.abc import Iterable

from tfnative.errors import InvalidArgumentError

BATCH = -1
"""In a shape: the number of rows."""

Shape = tuple[int, ...]


def parse_shapes(arguments: Iterable[str]) -> dict[str, Shape]:
    """Parses the values of ``--shape``.

    Args:
        arguments: Each as "name=?,16000,1", where ? or -1, in the first place only,
            is the batch. "name=" is a scalar.

    Returns:
        Shapes by input name, with BATCH for the batch.

    Raises:
        InvalidArgumentError: An argument is not of this form.
    """
    shapes: dict[str, Shape] = {}
    for argument in arguments:
        name, equals, sizes = argument.rpartition("=")
        if not equals or not name:
            raise InvalidArgumentError(
                f"--shape {argument!r}: expected NAME=SIZES, as in --shape "
                "audio=?,16000,1, where ? is the batch"
            )
        if name in shapes:
            raise InvalidArgumentError(f"--shape {argument!r}: {name!r} comes twice")
        shapes[name] = _parse_sizes(argument, sizes)
    return shapes


def _parse_sizes(argument: str, sizes: str) -> Shape:
    if not sizes.strip():
        return ()
    shape = []
    for place, text in enumerate(part.strip() for part in sizes.split(",")):
        if text in ("?", "-1"):
            if place > 0:
                raise InvalidArgumentError(
                    f"--shape {argument!r}: {text} stands in place {place + 1}, but "
                    "only the first size can be the batch; give the others as numbers"
                )
            shape.append(BATCH)
        elif text.isascii() and text.isdigit() and int(text) > 0:
            shape.append(int(text))
        else:
            raise InvalidArgumentError(
                f"--shape {argument!r}: {text!r} is not a size. Sizes are positive "
                "whole numbers, and ? for the batch in the first place"
            )
    return tuple(shape)
