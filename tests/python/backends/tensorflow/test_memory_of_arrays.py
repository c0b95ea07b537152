# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Arrays go in and out without a copy, and stay what their owners make of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tfnative

tf = pytest.importorskip("tensorflow")
SHAPE = (64, 64)


def aligned(seed: int = 1) -> np.ndarray:
    """Random numbers that need not be copied."""
    count = SHAPE[0] * SHAPE[1]
    memory = np.empty(4 * count + 64, np.uint8)
    array = memory[-memory.ctypes.data % 64 :][: 4 * count].view(np.float32)
    array = array.reshape(SHAPE)
    array[:] = np.random.default_rng(seed).standard_normal(SHAPE, np.float32)
    return array


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = tf.TensorSpec(SHAPE, tf.float32, name="x")

    class Module(tf.Module):
        def __init__(self) -> None:
            self.variable = tf.Variable(aligned(2))
            self.kept = tf.Variable(tf.zeros(SHAPE))
            self.constant = tf.constant(aligned(3))

        @tf.function(input_signature=[spec])
        def views(self, x):
            found = {}
            for name, of in (
                ("v", self.variable.read_value()),
                ("c", self.constant),
                ("x", x),
            ):
                found |= {
                    f"{name}_whole": tf.identity(of),
                    f"{name}_rows": of[16:32],
                    f"{name}_slice": tf.slice(of, [32, 0], [16, 64]),
                    f"{name}_flat": tf.reshape(of, [-1]),
                    f"{name}_part": tf.split(of, 4)[1],
                    f"{name}_row": tf.unstack(of)[16],
                    f"{name}_bits": tf.bitcast(of, tf.int32),
                }
            return found

        @tf.function(input_signature=[spec])
        def forwarded(self, x):
            return {"y": tf.negative(x)}

        @tf.function(input_signature=[spec])
        def scattered(self, x):
            row = tf.fill([1, 64], 9.0)
            return {"y": tf.tensor_scatter_nd_update(x, [[0]], row)}

        @tf.function(input_signature=[spec])
        def in_place(self, x):
            row = tf.fill([1, 64], -5.0)
            updated = tf.raw_ops.InplaceUpdate(x=x, i=[0], v=row)
            return {"y": tf.raw_ops.InplaceAdd(x=updated, i=[1], v=row)}

        @tf.function(input_signature=[spec])
        def keep(self, x):
            self.kept.assign(x)
            return {"done": tf.constant(True)}

        @tf.function(input_signature=[])
        def state(self):
            return {"v": self.variable, "c": self.constant, "k": self.kept}

        @tf.function(input_signature=[])
        def add_one(self):
            return {"k": self.kept.assign_add(tf.ones(SHAPE))}

    module = Module()
    folder = tmp_path_factory.mktemp("memory")
    names = "views forwarded scattered in_place keep state add_one".split()
    signatures = {name: getattr(module, name) for name in names}
    tf.saved_model.save(module, str(folder), signatures=signatures)
    return folder


# With -1, all operations run in the calling thread.
@pytest.fixture(params=[None, -1], ids=["threads", "no_threads"])
def model(saved: Path, request: pytest.FixtureRequest):
    with tfnative.load(
        saved, backend="tensorflow", inter_op_threads=request.param
    ) as model:
        yield model


@pytest.mark.parametrize(
    "signature", ["views", "forwarded", "scattered", "in_place", "keep"]
)
def test_what_comes_in_is_not_written_to(model, signature):
    x = aligned()
    before = x.copy()
    for _ in range(3):
        model.predict(x, signature=signature)
        np.testing.assert_array_equal(x, before)


def test_what_comes_out_may_be_written_to(model):
    x = aligned()
    before = x.copy()
    state = model.predict({}, signature="state")
    state = {name: array.copy() for name, array in state.items()}
    outputs = model.predict({"x": x}, signature="views")
    values = {name: array.copy() for name, array in outputs.items()}
    np.testing.assert_array_equal(values["v_rows"], state["v"][16:32])
    for name, array in outputs.items():
        array[...] = -1
        for other, unchanged in outputs.items():
            assert other == name or not np.shares_memory(array, unchanged)
    np.testing.assert_array_equal(x, before)
    again = model.predict({"x": x}, signature="views")
    for name, array in again.items():
        np.testing.assert_array_equal(array, values[name], err_msg=name)
    for name, array in model.predict({}, signature="state").items():
        np.testing.assert_array_equal(array, state[name], err_msg=name)


def test_what_a_variable_keeps_is_its_own(model):
    x = aligned()
    before = x.copy()
    model.predict({"x": x}, signature="keep")
    x[:] = 7
    kept = model.predict({}, signature="state")["k"]
    np.testing.assert_array_equal(kept, before)
    kept[:] = 8
    after = model.predict({}, signature="add_one")["k"]
    np.testing.assert_array_equal(after, before + 1)
    np.testing.assert_array_equal(x, np.full(SHAPE, 7, np.float32))
