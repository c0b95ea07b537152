# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Lists of transforms, as the Graph Transform Tool has always had them written.

strip_unused_nodes remove_nodes(op=Identity, op=CheckNumerics) fold_constants
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tfnative._optimize.catalog import CATALOG, GONE, TransformKind
from tfnative._optimize.parameter_values import check_once, check_required, check_value
from tfnative.errors import InvalidArgumentError

_NAME = re.compile(r"\s*([A-Za-z_]\w*)\s*")
_PARAMETER = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s,()\"']+)\s*")
_PLAIN = re.compile(r"[A-Za-z0-9_.+-]+")  # What the tool reads without quotes.
_SEPARATORS = re.compile(r"[\s,]*")


@dataclass(frozen=True)
class Transform:
    """One step: a transform and its parameters.

    Attributes:
        name: One of ``CATALOG``.
        parameters: Names and values, in order; a name may come several times.
    """

    name: str
    parameters: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Checks what was asked for.

        Raises:
            InvalidArgumentError: There is no such transform or parameter, a value is
                not what its parameter takes, or one is missing or there twice; or
                parameters are no pairs of texts.
        """
        _check_texts(self.name, self.parameters)
        kind = _kind(self.name)
        for name, value in self.parameters:
            if name not in kind.parameters:
                raise InvalidArgumentError(_which_parameters(kind, name))
            if '"' in value:
                raise InvalidArgumentError(
                    f"{self.name}: the value of {name} has a quotation mark in it, "
                    "which the Graph Transform Tool cannot read"
                )
            check_value(self.name, name, value)
        given = [name for name, _ in self.parameters]
        check_once(self.name, given)
        check_required(self.name, given)

    @property
    def kind(self) -> TransformKind:
        """What is known of it."""
        return CATALOG[self.name]

    def value(self, parameter: str) -> str | None:
        """The value of a parameter, the last one if there are several."""
        return dict(self.parameters).get(parameter)

    def __str__(self) -> str:
        """As it is written."""
        if not self.parameters:
            return self.name
        listed = ", ".join(f"{name}={_quoted(v)}" for name, v in self.parameters)
        return f"{self.name}({listed})"


def _check_texts(name: object, parameters: object) -> None:
    pairs: list[Any] | tuple[Any, ...] = [parameters]
    if isinstance(parameters, (tuple, list)):
        pairs = parameters
    for pair in pairs:
        is_pair = isinstance(pair, tuple | list) and len(pair) == 2
        if not is_pair or not all(isinstance(text, str) for text in pair):
            raise InvalidArgumentError(
                "Transform: parameters are pairs of texts, as (('num_steps', '4'),), "
                f"got {parameters!a}"
            )
    if not isinstance(name, str):
        raise InvalidArgumentError(f"Transform: expected a name, got {name!a}")


def parse_transforms(
    given: str | Transform | Iterable[str | Transform],
) -> tuple[Transform, ...]:
    """The transforms of a text, or of a list of texts and transforms.

    Raises:
        InvalidArgumentError: It is not written as one writes transforms, or there is
            no such transform or parameter; the message has those that there are.
        TypeError: It is neither.
    """
    if isinstance(given, Transform):
        return (given,)
    if isinstance(given, str):
        return tuple(_parse(given))
    return tuple(step for each in given for step in parse_transforms(each))


def _parse(text: str) -> Iterator[Transform]:
    place = _skip(text, 0)
    while place < len(text):
        name = _NAME.match(text, place)
        if name is None:
            raise _unreadable(text, place, "the name of a transform")
        place = name.end()
        parameters: tuple[tuple[str, str], ...] = ()
        if text.startswith("(", place):
            parameters, place = _parameters(text, place + 1)
        yield Transform(name[1], parameters)
        place = _skip(text, place)


def _parameters(text: str, place: int) -> tuple[tuple[tuple[str, str], ...], int]:
    """What stands in brackets, and the place behind these."""
    found: list[tuple[str, str]] = []
    place = _skip(text, place)
    while not text.startswith(")", place):
        parameter = _PARAMETER.match(text, place)
        if parameter is None:
            raise _unreadable(text, place, "parameter=value, or )")
        value = parameter[2]
        found.append((parameter[1], value[1:-1] if value[0] in "\"'" else value))
        place = _skip(text, parameter.end())
    return tuple(found), place + 1


def _skip(text: str, place: int) -> int:
    """The place behind spaces and commas."""
    found = _SEPARATORS.match(text, place)
    assert found is not None
    return found.end()


def _quoted(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else f'"{value}"'


def _unreadable(text: str, place: int, expected: str) -> InvalidArgumentError:
    rest = text[place : place + 30]
    found = repr(rest) if rest else "the end"
    return InvalidArgumentError(
        f"transforms: expected {expected} at place {place + 1}, found {found}. They "
        'are written as in "strip_unused_nodes remove_nodes(op=Identity)"'
    )


def _kind(name: str) -> TransformKind:
    if name in CATALOG:
        return CATALOG[name]
    if name in GONE:
        raise InvalidArgumentError(
            f"the Graph Transform Tool had {name}, and has it no more in this "
            "TensorFlow; `tfnative optimize --list` shows what there is"
        )
    near = difflib.get_close_matches(name, CATALOG, n=3, cutoff=0.5)
    offered = f". Did you mean {' or '.join(near)}?" if near else ""
    raise InvalidArgumentError(
        f"there is no transform {name!r}{offered or '.'} `tfnative optimize --list` "
        "shows all"
    )


def _which_parameters(kind: TransformKind, name: str) -> str:
    known = ", ".join(kind.parameters) or "none"
    return f"{kind.name} has no parameter {name!r}; its parameters are: {known}"
