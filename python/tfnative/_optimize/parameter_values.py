# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What the parameters of transforms may be, which the tool would find out too late."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping

from tfnative.errors import InvalidArgumentError

_MOST = 2**31 - 1


def _is_whole(least: int) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        try:
            return value.isascii() and least <= int(value) <= _MOST
        except ValueError:
            return False

    return check


def _is_number(value: str) -> bool:
    try:
        return value.isascii() and math.isfinite(float(value))
    except ValueError:
        return False


def _is_percentage(value: str) -> bool:
    return _is_whole(0)(value) and int(value) <= 100


_TYPES = frozenset(
    "bfloat16 bool complex128 complex64 double float float16 float32 float64 half "
    "int16 int32 int64 int8 qint16 qint32 qint8 quint16 quint8 string uint16 "
    "uint32 uint64 uint8".split()
)
"""As tensorflow/core/framework/types.cc has them."""


def _is_shape(value: str) -> bool:
    return not value.strip() or all(map(_is_whole(-1), value.split(",")))


_Check = tuple[str, Callable[[str], bool]]
_SIZE: _Check = (f"a whole number from 1 to {_MOST}", _is_whole(1))
_COUNT: _Check = (f"a whole number from 0 to {_MOST}", _is_whole(0))
_PERCENT: _Check = ("a whole number from 0 to 100", _is_percentage)
_NUMBER: _Check = ("a finite number", _is_number)
_SWITCH: _Check = ("true or false", lambda value: value in ("true", "false"))
_TYPE: _Check = ("the name of a type, such as float32", _TYPES.__contains__)
_SHAPE: _Check = ('sizes, as in shape="-1,28,28"', _is_shape)
_NAME: _Check = ("a name", lambda value: bool(value.strip()))

VALUES: Mapping[str, _Check] = {
    "attribute_name": _NAME,
    "clear_output_shapes": _SWITCH,
    "fallback_max": _NUMBER,
    "fallback_min": _NUMBER,
    "first_n": (f"a whole number from -1 to {_MOST}", _is_whole(-1)),
    "if_default": _SWITCH,
    "input_max": _NUMBER,
    "input_min": _NUMBER,
    "max_inputs": _SIZE,
    "max_percentile": _PERCENT,
    "min_percentile": _PERCENT,
    "minimum_size": _COUNT,
    "new_attribute_name": _NAME,
    "new_node_name": _NAME,
    "new_op_name": _NAME,
    "num_steps": _SIZE,
    "old_attribute_name": _NAME,
    "old_node_name": _NAME,
    "old_op_name": _NAME,
    "op": _NAME,
    "op_name": _NAME,
    "shape": _SHAPE,
    "shape_for_name": _SHAPE,
    "show_name": _SWITCH,
    "show_op": _SWITCH,
    "summarize": _SIZE,
    "type": _TYPE,
    "type_for_name": _TYPE,
}
"""What parameters may be, in words, and what tells; others may be any text."""
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "remove_attribute": ("attribute_name",),
    "remove_nodes": ("op",),
    "rename_attribute": ("old_attribute_name", "new_attribute_name"),
    "rename_node": ("old_node_name", "new_node_name"),
    "rename_op": ("old_op_name", "new_op_name"),
    "set_device": ("device",),
}
"""The parameters without which a transform fails."""

REPEATED = frozenset(
    {
        ("insert_logging", "op"),
        ("insert_logging", "prefix"),
        ("remove_nodes", "op"),
        ("strip_unused_nodes", "name"),
        ("strip_unused_nodes", "shape_for_name"),
        ("strip_unused_nodes", "type_for_name"),
    }
)
"""Those that may come several times; of others, the tool refuses a second value."""


def check_value(transform: str, parameter: str, value: str) -> None:
    """Raises InvalidArgumentError if it is not what the parameter takes."""
    expected, is_right = VALUES.get(parameter, ("", lambda _: True))
    if not is_right(value):
        raise InvalidArgumentError(
            f"{transform}: {parameter} must be {expected}, got {value!r}"
        )


def check_once(transform: str, given: Collection[str]) -> None:
    """Raises InvalidArgumentError if one of the parameters must not come twice."""
    seen: set[str] = set()
    for parameter in given:
        if parameter in seen and (transform, parameter) not in REPEATED:
            raise InvalidArgumentError(
                f"{transform}: {parameter} is given twice, and may be given once"
            )
        seen.add(parameter)


def check_required(transform: str, given: Collection[str]) -> None:
    """Raises InvalidArgumentError if a parameter is missing without which it fails."""
    for parameter in REQUIRED.get(transform, ()):
        if parameter not in given:
            raise InvalidArgumentError(
                f"{transform} needs the parameter {parameter}, as in "
                f"{transform}({parameter}=VALUE)"
            )
