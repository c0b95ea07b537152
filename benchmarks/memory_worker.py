# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What benchmarks.memory needs a process of its own for.

python -m benchmarks.memory_worker tensorflow MODEL SIZES

prints the most bytes that a call has at once in TensorFlow, for each batch size. They
are what TensorFlow's own allocator counts: it is asked to use the one that keeps
statistics, on one thread. Weights and inputs are there before, and do not count.

python -m benchmarks.memory_worker compile MODEL SIZES OUTPUT

compiles with steps in XLA's order.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks.worker import RESULT


def main(what: str, model: str, sizes: str, *output: str) -> None:
    """Does one of the two."""
    chosen = [int(size) for size in sizes.split(",")]
    if what == "tensorflow":
        print(RESULT + json.dumps(_peaks(model, chosen)), flush=True)
    else:
        _compile_in_xlas_order(Path(model), chosen, Path(*output))


def _peaks(path: str, sizes: list[int]) -> dict[int, int]:
    os.environ["TF_CPU_ALLOCATOR_USE_BFC"] = "1"
    import tensorflow as tf

    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    model = tf.saved_model.load(path)
    call = model.signatures["serving_default"]
    return {size: _peak(tf, call, size) for size in sizes}


def _peak(tf: Any, call: Any, size: int) -> int:
    """The least of three calls, when two have prepared everything."""
    inputs = {
        name: tf.random.uniform((size, *spec.shape[1:]))
        for name, spec in call.structured_input_signature[1].items()
    }
    found = []
    for _ in range(5):
        before = tf.config.experimental.get_memory_info("CPU:0")["current"]
        tf.config.experimental.reset_memory_stats("CPU:0")
        call(**inputs)
        peak = tf.config.experimental.get_memory_info("CPU:0")["peak"]
        found.append(int(peak - before))
    return min(found[2:])


def _compile_in_xlas_order(model: Path, sizes: list[int], output: Path) -> None:
    import tfnative
    from tfnative_aot.program.passes.orders import ORDERS

    ORDERS.clear()
    tfnative.compile(model, output, cpus=["native"], batch_sizes=sizes)


if __name__ == "__main__":
    main(*sys.argv[1:])
