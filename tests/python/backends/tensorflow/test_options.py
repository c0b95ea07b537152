# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Options reach the session, and those that make no sense are refused."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tfnative
from tfnative._backends.tensorflow.model import devices, tensorflow_library

pytest.importorskip("tensorflow")

X = np.arange(6, dtype=np.float32).reshape(2, 3)
Y = X @ np.array([[1, 2], [3, 4], [5, 6]], np.float32) + 1

Saved = Callable[[str], Path]

GPUS = [device for device in devices() if device.type == "GPU"]
no_gpu = pytest.mark.skipif(bool(GPUS), reason="this machine has a GPU")
needs_gpu = pytest.mark.skipif(
    not GPUS, reason="needs a GPU, and a TensorFlow that is built for it"
)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"device": "cpu"},
        {"tags": ["serve"]},
        {"inter_op_threads": 1},
        {"inter_op_threads": -1},
        {"xla": True},
        {"xla": False},
        {"gpu_memory_growth": True},
        {"gpu_memory_fraction": 0.5},
        {"mixed_precision": "bfloat16"},
        {"mixed_precision": "float16"},
    ],
    ids=str,
)
def test_a_model_runs_with_any_options(saved: Saved, options):
    with tfnative.load(saved("affine"), backend="tensorflow", **options) as model:
        found = model.predict(X, signature="affine")
    tolerance = 0.01 if "mixed_precision" in options else 1e-5
    np.testing.assert_allclose(found, Y, rtol=tolerance)


def test_xla_compiles_as_the_model_runs(saved: Saved, run_python):
    code = (
        "import sys, numpy as np, tfnative\n"
        "model = tfnative.load(sys.argv[1], backend='tensorflow', xla=True)\n"
        "x = np.ones((2, 3), 'f4')\n"
        "print([model.predict(x, signature='affine').tolist() for _ in range(3)])\n"
    )
    said = run_python(code, saved("affine"))
    assert said.strip() == str([[[10.0, 13.0]] * 2] * 3)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"device": "tpu"}, "device.*'tpu'"),
        ({"device": "gpu:x"}, "device"),
        ({"gpu_memory_fraction": 0}, "gpu_memory_fraction"),
        ({"gpu_memory_fraction": 1.5}, "gpu_memory_fraction"),
        ({"gpu_memory_fraction": float("nan")}, "gpu_memory_fraction"),
        ({"intra_op_threads": -1}, "intra_op_threads"),
        ({"inter_op_threads": -2}, "inter_op_threads"),
        ({"mixed_precision": "float8"}, "mixed_precision"),
        ({"visible_gpus": [-1]}, "visible_gpus"),
        ({"device": "gpu:0", "visible_gpus": [0]}, "visible_gpus"),
    ],
    ids=str,
)
def test_options_that_make_no_sense_are_refused(saved: Saved, options, match):
    with pytest.raises(tfnative.InvalidArgumentError, match=match):
        tfnative.load(saved("affine"), backend="tensorflow", **options)


@no_gpu
@pytest.mark.parametrize("device", ["gpu", "gpu:0", "gpu:3"])
def test_a_gpu_that_is_not_there_is_not_found(saved: Saved, device: str):
    with pytest.raises(tfnative.NotFoundError) as error:
        tfnative.load(saved("affine"), backend="tensorflow", device=device)
    assert "GPU" in str(error.value)
    assert "CPU:0" in str(error.value), "it lists what there is"


@needs_gpu
def test_a_gpu_computes(saved: Saved):
    options = {"device": "gpu:0", "gpu_memory_fraction": 0.2}
    with tfnative.load(saved("affine"), backend="tensorflow", **options) as model:
        assert any(device.type == "GPU" for device in model.devices)
        np.testing.assert_allclose(model.predict(X, signature="affine"), Y, rtol=1e-3)


@needs_gpu
@pytest.mark.parametrize(
    "options",
    [
        {"device": "gpu:77"},
        {"device": "gpu", "visible_gpus": [77]},
        {"visible_gpus": [77]},
    ],
    ids=str,
)
def test_a_gpu_of_another_number_is_not_found(saved: Saved, options):
    with pytest.raises(tfnative.NotFoundError, match=r"77.*no such GPU"):
        tfnative.load(saved("affine"), backend="tensorflow", **options)


# The first model of a process decides, so each needs one of its own.
@needs_gpu
@pytest.mark.parametrize("share", [0.1, 0.3])
def test_a_model_takes_its_share_of_a_gpu(saved: Saved, run_python, share: float):
    code = (
        "import sys, tfnative\n"
        "model = tfnative.load(sys.argv[1], backend='tensorflow', device='gpu:0',"
        " gpu_memory_fraction=float(sys.argv[2]))\n"
        "print(*[d.memory_bytes for d in model.devices if d.type == 'GPU'])\n"
    )
    taken = int(run_python(code, saved("affine"), share))
    assert taken == pytest.approx(share * GPUS[0].memory_bytes, rel=0.1)


def test_devices_are_those_of_tensorflow(saved: Saved):
    import tensorflow as tf

    with tfnative.load(saved("affine"), backend="tensorflow") as model:
        found = [device.type for device in model.devices if device.type != "XLA_CPU"]
    assert found.count("CPU") == 1
    assert found.count("GPU") == len(tf.config.list_physical_devices("GPU"))


def test_the_library_is_that_of_the_installed_package():
    import tensorflow as tf

    path, version = tensorflow_library()
    assert Path(path).parent == Path(tf.__file__).parent
    assert version == tf.__version__


@pytest.mark.slow
@pytest.mark.parametrize("first", ["tensorflow", "tfnative"])
def test_it_lives_with_an_imported_tensorflow(saved: Saved, run_python, first: str):
    code = (
        "import sys, numpy as np, tfnative\n"
        "x = np.ones((2, 3), 'f4')\n"
        "def ours():\n"
        "    model = tfnative.load(sys.argv[1], backend='tensorflow')\n"
        "    return model.predict(x, signature='affine').tolist()\n"
        "def theirs():\n"
        "    import tensorflow as tf\n"
        "    loaded = tf.saved_model.load(sys.argv[1])\n"
        "    return loaded.signatures['affine'](tf.constant(x))['y'].numpy().tolist()\n"
        "order = [theirs, ours] if sys.argv[2] == 'tensorflow' else [ours, theirs]\n"
        "print(*[each() for each in order * 2])\n"
    )
    said = run_python(code, saved("affine"), first)
    assert said.strip() == " ".join([str([[10.0, 13.0]] * 2)] * 4)


def test_tensorflow_is_not_imported(saved: Saved, run_python):
    code = (
        "import sys, tfnative\n"
        "tfnative.load(sys.argv[1], backend='tensorflow').predict([[1, 2, 3]],"
        " signature='affine')\n"
        "print('tensorflow' in sys.modules)\n"
    )
    assert run_python(code, saved("affine")) == "False\n"


@pytest.mark.parametrize(
    ("library", "kind", "match"),
    [
        ("/nowhere/libtensorflow.so.2", "NotFoundError", "pip install"),
        (np.__file__, "FailedPreconditionError", "cannot use"),
    ],
)
def test_a_library_that_cannot_be_used_is_said(
    saved: Saved, run_python, library: str, kind: str, match: str
):
    code = (
        "import sys, tfnative\n"
        "try:\n"
        "    tfnative.load(sys.argv[1], backend='tensorflow')\n"
        "except tfnative.Error as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    said = run_python(code, saved("affine"), TFNATIVE_LIBTENSORFLOW=library)
    assert said.startswith(kind)
    assert match in said


def test_intra_op_threads_are_those_of_the_process(saved: Saved, run_python):
    code = (
        "import sys, tfnative\n"
        "def load(**options):\n"
        "    return tfnative.load(sys.argv[1], backend='tensorflow', **options)\n"
        "load(intra_op_threads=1)\n"
        "load(intra_op_threads=1)\n"
        "load()\n"
        "try:\n"
        "    load(intra_op_threads=2)\n"
        "except tfnative.FailedPreconditionError as error:\n"
        "    print(error)\n"
    )
    assert "intra_op_threads" in run_python(code, saved("affine"))


def test_a_run_is_given_up_in_time(saved: Saved):
    x = np.ones((64, 64), np.float32)
    with tfnative.load(saved("slow"), backend="tensorflow") as model:
        inputs = {"x": x, "steps": 10}
        np.testing.assert_array_equal(model.predict(inputs, timeout=60)["y"], x)
        started = time.monotonic()
        with pytest.raises(tfnative.DeadlineExceededError):
            model.predict({"x": x, "steps": 2**31 - 1}, timeout=0.2)
        assert time.monotonic() - started < 20
        np.testing.assert_array_equal(model.predict(inputs)["y"], x)
