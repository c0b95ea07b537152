# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Whatever object is given to predict, it answers, or raises an error of ours."""

from __future__ import annotations

import types
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st
from hypothesis.extra import numpy as hnp

import tfnative


class Raises:
    """Raises an error whenever NumPy asks it for anything."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __array__(self, *_: object, **__: object) -> Any:
        raise self.error

    def __len__(self) -> int:
        raise self.error

    def __getitem__(self, _: object) -> Any:
        raise self.error


class Silent(Raises):
    """Does not even say what it is."""

    def __repr__(self) -> str:
        raise self.error


class Gives:
    """Gives NumPy what is no array, or one of any kind."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __array__(self, *_: object, **__: object) -> Any:
        return self.value


class Foreign:
    """Like a tensor of another library, that cannot be exported."""

    shape = (1, 3)
    dtype = "float32"

    def __dlpack__(self, **_: object) -> Any:
        raise BufferError("it is on another device")

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, 0


class Subclass(np.ndarray):
    """An array that is not quite one."""

    def __array_finalize__(self, _: object) -> None:
        self.note = "finalized"


class Bad(dict[str, Any]):
    """A dict whose methods of Python all fail."""

    def __getitem__(self, _: object) -> Any:
        raise RuntimeError("no item")

    def keys(self) -> Any:
        raise RuntimeError("no keys")


class BadMapping:
    """A mapping that is no dict, and fails."""

    def __getitem__(self, key: object) -> Any:
        raise KeyError(key)

    def keys(self) -> Any:
        return ["x", 1, "\ud800"]


def endless(depth: int) -> Any:
    nested: Any = 0.5
    for _ in range(depth):
        nested = [nested]
    return nested


def cyclic() -> list[Any]:
    one: list[Any] = []
    one.append(one)
    return one


ROWS = np.arange(12, dtype=np.float32).reshape(4, 3)
LOCKED = ROWS.copy()
LOCKED.flags.writeable = False
UNALIGNED = np.frombuffer(b"\0" + ROWS.tobytes(), np.uint8)[1:].view(np.float32)
STRUCTURED = np.zeros(3, [("a", np.float32), ("b", np.int8)])


def released() -> memoryview:
    view = memoryview(ROWS.tobytes())
    view.release()
    return view


MADE: dict[str, Callable[[], Any]] = {
    "big endian": lambda: ROWS.astype(">f4"),
    "F order": lambda: np.asfortranarray(ROWS),
    "negative strides": lambda: ROWS[::-1, ::-1],
    "read-only": lambda: LOCKED,
    "not aligned": lambda: UNALIGNED.reshape(4, 3),
    "broadcast": lambda: np.broadcast_to(np.float32(1), (4, 3)),
    "huge broadcast": lambda: np.broadcast_to(np.float32(1), (1 << 58, 3)),
    "huge broadcast of halves": lambda: np.broadcast_to(np.float16(1), (1 << 58, 3)),
    "huge broadcast of objects": lambda: np.broadcast_to(
        np.array("a", object), (1 << 50, 3)
    ),
    "huge list of a broadcast": lambda: [np.broadcast_to(np.float64(1), (1 << 40, 3))],
    "no rows, huge": lambda: np.empty((0, 1 << 60), np.float32),
    "subclass": lambda: ROWS.view(Subclass),
    "matrix": lambda: ROWS.view(np.matrix),
    "record": lambda: STRUCTURED.view(np.recarray),
    "structured": lambda: STRUCTURED,
    "masked": lambda: np.ma.masked_array(ROWS, ROWS > 3),
    "masked constant": lambda: np.ma.masked,
    "list of masked": lambda: [np.ma.masked_array(ROWS[0], [True, False, False])],
    "memoryview": lambda: memoryview(ROWS),
    "released memoryview": released,
    "bytes": lambda: b"abc",
    "bytearray": lambda: bytearray(12),
    "text": lambda: "abc",
    "surrogates": lambda: ["\ud800"] * 3,
    "times": lambda: np.zeros((1, 3), "datetime64[s]"),
    "differences of times": lambda: np.zeros((1, 3), "timedelta64[ns]"),
    "void": lambda: np.zeros((1, 3), "V4"),
    "objects": lambda: np.array([[1, "a", None]], object),
    "objects that are numbers": lambda: np.array([[1, 2.0, True]], object),
    "ragged": lambda: [[1, 2], [3]],
    "ragged arrays": lambda: [np.zeros(2), np.zeros((2, 2))],
    "0-d": lambda: np.array(1, np.float32),
    "64 dimensions": lambda: np.zeros((1,) * 32, np.float32),
    "nested 100 times": lambda: endless(100),
    "nested 10000 times": lambda: endless(10_000),
    "cyclic": cyclic,
    "generator": lambda: (row for row in ROWS),
    "iterator": lambda: iter(ROWS),
    "range": lambda: range(3),
    "set": lambda: {1, 2, 3},
    "slice": lambda: slice(3),
    "function": lambda: endless,
    "type": lambda: dict,
    "module": lambda: np,
    "warning": lambda: Raises(UserWarning("told")),
    "RuntimeError": lambda: Raises(RuntimeError("\ud800")),
    "MemoryError": lambda: Raises(MemoryError()),
    "RecursionError": lambda: Raises(RecursionError()),
    "StopIteration": lambda: Raises(StopIteration()),
    "no representation": lambda: Silent(RuntimeError("no")),
    "list that raises": lambda: [Raises(OSError("no"))],
    "gives None": lambda: Gives(None),
    "gives rows": lambda: Gives(ROWS),
    "gives doubles": lambda: Gives(ROWS.astype(np.float64)),
    "gives objects": lambda: Gives(np.array([[1, 2, None]], object)),
    "foreign": Foreign,
    "list of foreign": lambda: [Foreign()],
    "decimal": lambda: [[Decimal("1e400"), 2, 3]],
    "fractions": lambda: [[Fraction(1, 3), 2, 3]],
    "huge integers": lambda: [[10**400, 2, 3]],
    "huge numbers": lambda: [[1e300, 2, 3]],
    "signalling NaN": lambda: np.array([0x7FA00000] * 3, np.uint32).view(np.float32),
    "complex": lambda: [[1j, 2, 3]],
    "None": lambda: None,
    "Ellipsis": lambda: ...,
    "bad dict": lambda: Bad(x=ROWS),
    "bad mapping": BadMapping,
    "mapping": lambda: types.MappingProxyType({"x": ROWS}),
    "namespace": lambda: types.SimpleNamespace(x=ROWS),
}

numbers = st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers()
atoms = (
    numbers | st.text() | st.binary() | st.datetimes() | st.decimals(allow_nan=False)
)
made = st.sampled_from(sorted(MADE.keys() - {"no representation"})).map(
    lambda name: MADE[name]()
)
arrays = hnp.arrays(
    hnp.scalar_dtypes() | hnp.array_dtypes() | hnp.unicode_string_dtypes(),
    hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=3),
)
values = st.recursive(
    atoms | arrays | made,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=2) | st.integers(), inner, max_size=2)
    ),
    max_leaves=4,
)
keys = st.sampled_from(["x", "a", "b"]) | atoms
dicts = st.dictionaries(keys, values, max_size=3)


def answers(model: Any, value: Any, **keywords: Any) -> None:
    """Holds if it answers with numbers of the right kind, or an error of ours."""
    try:
        result = model.predict(value, **keywords)
    except tfnative.Error as error:
        str(error).encode()  # Every message can be written.
        return
    for array in result.values() if isinstance(result, dict) else [result]:
        assert type(array) is np.ndarray


SIGNATURES = ("affine", "pair", "constant", "checked", "mean", "total")
quick = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.parametrize("name", sorted(MADE))
@pytest.mark.parametrize("form", ["whole", "dict", "list", "key"])
def test_objects_of_all_kinds_give_an_answer_or_an_error(
    model: tfnative.Model, name: str, form: str
) -> None:
    value = MADE[name]()
    if form == "key":
        try:
            value = {value: ROWS}
        except Exception:  # It is no key of any dict.
            return
    elif form != "whole":
        value = {"x": value} if form == "dict" else [value]
    for signature in SIGNATURES:
        answers(model, value, signature=signature)
    answers(model, ROWS, signature="affine", out=value)
    answers(model, {"x": ROWS}, signature="affine", out={"y": value})
    answers(model, ROWS, signature=value)


@quick
@given(value=values | dicts, signature=st.sampled_from(SIGNATURES))
@example(value={"a": ROWS, "b": "\ud800"}, signature="pair")
def test_any_input_gives_an_answer_or_an_error(
    model: tfnative.Model, value: Any, signature: str
) -> None:
    answers(model, value, signature=signature)


@quick
@given(out=values | dicts)
def test_any_output_gives_an_answer_or_an_error(
    model: tfnative.Model, out: Any
) -> None:
    answers(model, ROWS, signature="affine", out=out)
    answers(model, {"a": [1], "b": 1}, signature="pair", out=out)


@quick
@given(value=values | dicts)
def test_a_batcher_answers_or_raises_an_error(
    batcher: tfnative.Batcher, value: Any
) -> None:
    answers(batcher, value)
