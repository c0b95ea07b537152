# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which columns feed which input."""

from __future__ import annotations

import difflib
import fnmatch
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tfnative._tables.arrow import pyarrow
from tfnative.errors import InvalidArgumentError

if TYPE_CHECKING:
    from tfnative._signature import Signature, TensorSpec

_LISTED = 12
_PATTERNS = "*?["

Columns = Mapping[str, str | Sequence[str]]
"""By input, the column that feeds it, or a column for each element of a row."""


@dataclass(frozen=True)
class Feed:
    """An input, and what it is fed with.

    Attributes:
        spec: The input.
        columns: One with all of a row's elements, or one for each of them.
    """

    spec: TensorSpec
    columns: tuple[str, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape of a row."""
        return (self.spec.shape or (-1,))[1:]

    @property
    def elements(self) -> int:
        """Of a row."""
        return math.prod(self.sizes)

    def __str__(self) -> str:
        return f"input {self.spec.name!r}: {self.expected}"

    @property
    def expected(self) -> str:
        """What a row of it is, for messages."""
        kind = "strings" if self.spec.dtype.kind == "O" else self.spec.dtype.name
        if not self.sizes:
            return "a string" if kind == "strings" else f"a number ({kind})"
        return f"{' x '.join(map(str, self.sizes))} {kind}"


def find_feeds(
    signature: Signature,
    schema: Any,
    columns: Columns | None = None,
    *,
    text: bool = False,
) -> tuple[Feed, ...]:
    """The feeds of a signature.

    Args:
        signature: Takes any number of rows.
        schema: Arrow's, of the rows.
        columns: Where inputs are fed by columns of other names. Of several, names may
            have wildcards (``pixel_*``), which stand for all columns that fit, as they
            come.
        text: Whether strings may be numbers.

    Raises:
        InvalidArgumentError: The signature takes no rows, an input or a column is not
            there, a column is of a type that the input cannot have.
    """
    _check_rows(signature)
    given = dict(columns or {})
    for name in given:
        if name not in signature.inputs:
            raise InvalidArgumentError(
                f"signature {signature.name!r} has no input {name!r}"
                + _nearest(name, signature.inputs)
            )
    feeds = []
    for name, spec in signature.inputs.items():
        wanted = given.get(name, name)
        names = [wanted] if isinstance(wanted, str) else list(wanted)
        feed = Feed(spec, _expanded(name, names, schema.names))
        _check_types(feed, schema, text=text)
        feeds.append(feed)
    return tuple(feeds)


def _check_rows(signature: Signature) -> None:
    for spec in signature.inputs.values():
        if not spec.shape or spec.shape[0] != -1 or min(spec.shape[1:], default=1) < 1:
            raise InvalidArgumentError(
                f"signature {signature.name!r} does not take rows of one size: input "
                f"{spec.name!r} has the shape {spec.shape}, expected (-1, ...) with "
                "sizes that are known, and none that is 0"
            )
    if not signature.rows_independent:
        raise InvalidArgumentError(
            f"signature {signature.name!r} cannot score single rows: its rows "
            "influence each other"
        )


def _expanded(
    name: str, wanted: Sequence[str], known: Sequence[str]
) -> tuple[str, ...]:
    found: list[str] = []
    for each in wanted:
        if each in known:
            found.append(each)
            continue
        fitting = [c for c in known if fnmatch.fnmatchcase(c, each)]
        if not (fitting and any(sign in each for sign in _PATTERNS)):
            raise InvalidArgumentError(
                f"input {name!r}: there is no column {each!r}{_nearest(each, known)}; "
                f"say which column feeds it: --columns {name}=COLUMN, or columns= in "
                "Python"
            )
        found += fitting
    twice = {each for each in found if known.count(each) > 1}
    if twice:
        raise InvalidArgumentError(
            f"input {name!r}: there are several columns {twice.pop()!r}"
        )
    return tuple(found)


def _check_types(feed: Feed, schema: Any, *, text: bool) -> None:
    if len(feed.columns) > 1 and len(feed.columns) != feed.elements:
        raise InvalidArgumentError(
            f"{feed}, and {len(feed.columns)} columns are to feed it: expected one, or "
            f"one for each of {feed.elements} elements"
        )
    for column in feed.columns:
        kind = schema.field(column).type
        if len(feed.columns) > 1 and is_list(kind):
            raise InvalidArgumentError(
                f"{feed}, and column {column!r}, one of {len(feed.columns)}, has lists "
                f"({kind}): expected a number"
            )
        if not is_list(kind) and len(feed.columns) == 1 and feed.elements != 1:
            raise InvalidArgumentError(
                f"{feed}, and column {column!r} has one value ({kind}): expected a "
                f"list, or {feed.elements} columns"
            )
        is_text = text and pyarrow().types.is_string(kind)
        if not is_text and not can_become(leaf_type(kind), feed.spec.dtype):
            raise InvalidArgumentError(
                f"{feed}, which column {column!r} of type {kind} cannot become"
            )


def is_list(kind: Any) -> bool:
    """Whether values of an Arrow type are lists of others."""
    types = pyarrow().types
    storage = getattr(kind, "storage_type", kind)
    return bool(
        types.is_list(storage)
        or types.is_large_list(storage)
        or types.is_fixed_size_list(storage)
    )


def leaf_type(kind: Any) -> Any:
    """The Arrow type of what is in lists in the end."""
    types = pyarrow().types
    while True:
        if hasattr(kind, "storage_type"):
            kind = kind.storage_type
        elif is_list(kind) or types.is_dictionary(kind):
            kind = kind.value_type
        else:
            return kind


def can_become(leaf: Any, dtype: Any) -> bool:
    """Whether values of an Arrow type are numbers or strings of a NumPy one.

    Integers and smaller floats become floats, larger floats are rounded; no float
    becomes an integer, no number a string.
    """
    types = pyarrow().types
    name = dtype.name
    if dtype.kind == "O":
        return any(
            check(leaf)
            for check in (
                types.is_string,
                types.is_large_string,
                types.is_binary,
                types.is_large_binary,
                types.is_fixed_size_binary,
            )
        )
    if dtype.kind == "b":
        return bool(types.is_boolean(leaf))
    if dtype.kind in "iu" and name != "bfloat16":
        return bool(types.is_integer(leaf))
    if dtype.kind == "f" or name == "bfloat16":
        return bool(
            types.is_integer(leaf) or types.is_floating(leaf) or types.is_decimal(leaf)
        )
    return False


def _nearest(name: str, known: Any) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    listed = list(known)[:_LISTED]
    more = ", ..." if len(known) > len(listed) else ""
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"{hint}; there are {', '.join(map(repr, listed))}{more}"
