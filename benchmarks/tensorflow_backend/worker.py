# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A way to call a SavedModel from Python, in a process of its own.

python -m benchmarks.tensorflow_backend.worker tfnative|signature SAVED_MODEL ROWS

prints a result for each line on standard input, a number of seconds: the microseconds
of a call, from a NumPy array to a NumPy array.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.measure import time_call
from benchmarks.worker import RESULT


def main(way: str, saved_model: str, rows: str) -> None:
    """Serves turns until standard input ends."""
    call = {"tfnative": _ours, "signature": _signature}[way](saved_model, int(rows))
    print(RESULT + json.dumps("ready"), flush=True)
    for line in sys.stdin:
        print(RESULT + json.dumps(time_call(call, float(line))), flush=True)


def _ours(saved_model: str, rows: int) -> Callable[[], Any]:
    import tfnative

    model = tfnative.load(saved_model, backend="tensorflow")
    (spec,) = model.signature().inputs.values()
    inputs = {spec.name: _values(spec.shape or (), rows)}
    return lambda: model.predict(inputs)


def _signature(saved_model: str, rows: int) -> Callable[[], Any]:
    import tensorflow as tf

    loaded = tf.saved_model.load(saved_model)
    serve = loaded.signatures["serving_default"]
    ((name, spec),) = serve.structured_input_signature[1].items()
    x = _values(spec.shape, rows)

    def call(_owner: object = loaded) -> Any:
        return {k: v.numpy() for k, v in serve(**{name: tf.constant(x)}).items()}

    return call


def _values(shape: Any, rows: int) -> np.ndarray:
    return np.full((rows, *shape[1:]), 0.5, np.float32)


if __name__ == "__main__":
    main(*sys.argv[1:])
