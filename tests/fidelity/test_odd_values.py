# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""NaN, infinities, zeros, denormals and extremes give what they give in TensorFlow.

What differs stands in a table of docs/fidelity.md, with the kind of numbers that it
needs, and the reason.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.core.framework import types_pb2
from tensorflow.core.framework.node_def_pb2 import NodeDef

import tfnative
from tests.fidelity.odd_numbers import KINDS, kinds, odd_inputs
from tests.fidelity.odd_ops import EXACT, Case, cases, tried_or_not
from tests.turns import Once
from tfnative_aot import adapters
from tfnative_aot.freeze.refusals import wrong_before_freezing

PAGE = Path(__file__).resolve().parents[2] / "docs" / "fidelity.md"
BEGIN, END = "<!-- odd: begin -->\n", "<!-- odd: end -->\n"
FLOATS = ("float32", "float64", "float16", "bfloat16")
INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
ROUNDINGS = 64.0


def excused() -> dict[tuple[str, str], set[str]]:
    """Kinds of numbers for which an op differs, by op and type, as the page has it."""
    table = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    found: dict[tuple[str, str], set[str]] = {}
    for line in table.splitlines()[2:]:
        _, ops, types, numbers, reason, _ = line.split("|")
        assert reason.strip(), line
        chosen = {each.strip() for each in numbers.split(",")}
        assert chosen <= {*KINDS, "any"}, line
        for op in ops.replace("`", "").split(","):
            for dtype in types.replace("`", "").split(","):
                found.setdefault((op.strip(), dtype.strip()), set()).update(chosen)
    return found


def accepted_ops() -> Iterator[str]:
    """What XLA has a kernel for, and is not refused whatever it is given."""
    for op in adapters.tf().xla_kernels():
        definition = adapters.tf().op_definition(op)
        if definition is None or definition.is_stateful:
            continue
        types = {a.type for a in (*definition.input_arg, *definition.output_arg)}
        if types & {types_pb2.DT_STRING, types_pb2.DT_RESOURCE, types_pb2.DT_VARIANT}:
            continue
        if not wrong_before_freezing(NodeDef(op=op), tf.compat.v1.GraphDef()):
            yield op


def test_every_op_that_is_accepted_is_tried_or_says_why_not() -> None:
    never = set(
        "FFT FFT2D FFT3D IFFT IFFT2D IFFT3D IRFFT IRFFT2D IRFFT3D RFFT RFFT2D RFFT3D"
        " Unique UniqueV2 Where DynamicPartition NonMaxSuppressionV3".split()
    )
    assert set(accepted_ops()) - set(tried_or_not()) - never == set()


def test_the_page_excuses_ops_that_there_are() -> None:
    known = set(adapters.tf().xla_kernels())
    assert {op for op, _ in excused()} <= known
    assert {dtype for _, dtype in excused()} <= {*FLOATS, *INTEGERS}


@pytest.fixture(scope="module", autouse=True)
def _not_compared_when_compiled() -> Iterator[None]:
    """Compiling compares ordinary numbers; some ops have none at random."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tfnative_aot.verify.verify.errors", lambda *_: (0.0, 0.0))
        yield


def float_or_long(dtype: str) -> Any:
    """Kernels of float32 are most of all; others take minutes together."""
    mark = pytest.mark.skipif(
        dtype != "float32" and "TFNATIVE_RANDOM_GRAPHS" not in os.environ,
        reason="takes minutes with others: make test-fidelity",
    )
    return pytest.param(dtype, marks=mark)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [float_or_long(each) for each in FLOATS])
def test_odd_floats_give_what_they_give_in_tensorflow(dtype: str, once: Once) -> None:
    check({dtype: odd_inputs(tf.as_dtype(dtype).as_numpy_dtype)}, dtype, once)


@pytest.mark.slow
def test_odd_integers_give_what_they_give_in_tensorflow(once: Once) -> None:
    check({dtype: odd_inputs(np.dtype(dtype)) for dtype in INTEGERS}, "integers", once)


def check(inputs: Mapping[str, dict[str, NDArray[Any]]], name: str, once: Once) -> None:
    """Compiles all ops of some types as one model, and compares every element."""
    flat = {f"{dtype}_{key}": x for dtype in inputs for key, x in inputs[dtype].items()}
    tried = [(dtype, case) for dtype in inputs for case in cases(tf.as_dtype(dtype))]

    def call(*arguments: Any) -> Any:
        given = dict(zip(flat, arguments, strict=True))
        outputs = {}
        for index, (dtype, (_, _, compute)) in enumerate(tried):
            own = {key: given[f"{dtype}_{key}"] for key in inputs[dtype]}
            outputs[f"y{index}"] = compute(own)
        return outputs

    def make(folder: Path) -> Path:
        module = tf.Module()
        specs = [tf.TensorSpec(x.shape, x.dtype, name=key) for key, x in flat.items()]
        module.f = tf.function(call, input_signature=specs, autograph=False)
        tf.saved_model.save(module, folder / "model", signatures=module.f)
        return tfnative.compile(
            folder / "model", folder / "odd", name="odd", cpus=["native"]
        )

    artifact = once(f"odd/{name}", make)
    loaded = tf.saved_model.load(str(artifact.parent / "model"))
    wanted = loaded.signatures["serving_default"](
        **{key: tf.constant(x) for key, x in flat.items()}
    )
    with tfnative.load(artifact) as model:
        got = model.predict(flat)
    excuses = excused()
    wrong = [
        line
        for index, (dtype, case) in enumerate(tried)
        for line in differences(
            case,
            inputs[dtype],
            wanted[f"y{index}"].numpy(),
            np.asarray(got[f"y{index}"]),
            excuses.get((case[1], dtype), set()),
        )
    ]
    assert not wrong, "\n".join(wrong)


def differences(
    case: Case,
    inputs: Mapping[str, NDArray[Any]],
    wanted: NDArray[Any],
    got: NDArray[Any],
    excuses: set[str],
) -> Iterator[str]:
    """What differs and is not excused; at most a few lines."""
    name, op, _ = case
    assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype), name
    wanted, got = np.atleast_1d(wanted, got)
    different = ~same(wanted, got, exact=op in EXACT)
    shown = 0
    for index in zip(*np.nonzero(different), strict=True):
        given, found = operands(name, inputs, index)
        if "any" in excuses or found & excuses or shown == 3:
            continue
        shown += 1
        yield f"{wanted.dtype} {name} of {given}: {got[index]} for {wanted[index]}"


def operands(
    name: str, inputs: Mapping[str, NDArray[Any]], index: tuple[int, ...]
) -> tuple[Any, set[str]]:
    """What an element is computed of, as far as that is known, and of which kinds."""
    rows = next((word for word in name.split() if word in inputs), None)
    if (rows is not None and not name.endswith(" 0")) or name.startswith("TopKV2"):
        assert rows is not None
        given = inputs[rows][index[0]]
    elif len(index) == 1 and rows is None and index[0] < len(inputs["x"]):
        given = np.array([inputs["x"][index[0]], inputs["y"][index[0]]])
    else:
        return "all", set(KINDS)
    return [float(x) for x in given], set(kinds(given).ravel())


def same(wanted: NDArray[Any], got: NDArray[Any], *, exact: bool) -> NDArray[np.bool_]:
    """Where two arrays are the same, bit by bit or but for rounding.

    Every NaN is the same. A zero has its sign, also where there may be rounding.
    """
    if wanted.dtype.kind in "biu":
        return np.asarray(wanted == got)
    a, b = wanted.astype(np.float64), got.astype(np.float64)
    equal = (a == b) & (np.signbit(a) == np.signbit(b)) | np.isnan(a) & np.isnan(b)
    if exact:
        return np.asarray(equal)
    epsilon = float(ml_dtypes.finfo(wanted.dtype).eps)  # type: ignore[no-untyped-call]
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(a - b) <= ROUNDINGS * epsilon * np.maximum(np.abs(a), 1)
    zeros = (a == 0) & (b == 0)
    return np.asarray(equal | near & np.isfinite(a) & np.isfinite(b) & ~zeros)


@pytest.mark.slow
def test_ops_in_loops_and_branches_are_as_exact(once: Once) -> None:
    rows = odd_inputs(np.float32)["row5"][:64]

    def call(x: Any) -> dict[str, Any]:
        def add(step: Any, found: Any) -> tuple[Any, Any]:
            return step + 1, found + tf.argmax(tf.roll(x, step, 1), 1)

        start = tf.constant(0), tf.zeros([64], tf.int64)
        _, found = tf.while_loop(lambda step, _: step < 5, add, start)
        largest = tf.cond(
            tf.reduce_sum(found) > 0,
            lambda: tf.nn.max_pool1d(x[:, :, None], 2, 1, "VALID"),
            lambda: tf.zeros([64, 4, 1]),
        )
        return {"found": found, "largest": largest}

    def make(folder: Path) -> Path:
        module = tf.Module()
        spec = tf.TensorSpec(rows.shape, tf.float32, name="x")
        module.f = tf.function(call, input_signature=[spec], autograph=False)
        tf.saved_model.save(module, folder / "model", signatures=module.f)
        return tfnative.compile(
            folder / "model", folder / "odd", name="odd", cpus=["native"]
        )

    wanted = call(tf.constant(rows))
    with tfnative.load(once("odd/loops", make)) as model:
        got = model.predict({"x": rows})
    for name, each in wanted.items():
        assert np.all(same(each.numpy(), got[name], exact=False)), name
