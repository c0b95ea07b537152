# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A training with one setting of XLA's JIT, in a process of its own.

    python -m training.observe.jit_trial JSON

Prints a `JitTrial` as JSON in its last line.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from training.begin import compile_model, train_dataset
from training.data import open_data
from training.models import build_model
from training.observe.jit import FIRST_STEPS, let_tensorflow_choose_clusters
from training.observe.private import hlo_proto
from training.options import FitOptions


def main(text: str) -> None:
    """Trains, and prints what was measured."""
    job: dict[str, Any] = json.loads(text)
    hlo = job.pop("hlo")
    options = FitOptions(**job)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if options.jit == "auto":
        let_tensorflow_choose_clusters()
    import keras

    data, _ = open_data(options.data, options.data_folder).checked()
    model = build_model(options.model, data, seed=options.seed)
    steps = options.steps or 1
    compile_model(model, options, data, steps, keras)
    took: list[float] = []
    before = _peak()

    class Clock(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            self._begin = time.perf_counter()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            took.append(time.perf_counter() - self._begin)

    done = model.fit(
        train_dataset(data, options),
        steps_per_epoch=steps,
        verbose=0,
        shuffle=False,
        callbacks=[Clock()],
    )
    grown = _peak() - before
    usual = median(took[FIRST_STEPS:])
    fusions = _write_hlo(model, data, options, Path(hlo)) if hlo else ()
    print(
        json.dumps(
            {
                "jit": options.jit,
                "step_ms": usual * 1e3,
                "first_ms": max(0.0, sum(took[:FIRST_STEPS]) - FIRST_STEPS * usual)
                * 1e3,
                "memory_mb": grown / 1e6,
                "loss": float(done.history["loss"][-1]),
                "fusions": list(fusions),
            }
        )
    )


def _peak() -> int:
    """The most bytes that this process has had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _write_hlo(
    model: Any, data: Any, options: FitOptions, folder: Path
) -> tuple[str, ...]:
    """Writes XLA's programs of the gradients of a step, and names what is fused."""
    import tensorflow as tf

    from tfnative_aot import adapters
    from tfnative_aot.draw.dump import write_program
    from tfnative_aot.draw.hlo import fusions
    from tfnative_aot.xla.tfcompile import DumpedProgram

    @tf.function(jit_compile=True, autograph=False)  # type: ignore[untyped-decorator]
    def gradients(features: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            predicted = model(features, training=True)
            loss = model.compute_loss(x=features, y=labels, y_pred=predicted)
        return tape.gradient(loss, model.trainable_variables)

    features, labels = next(iter(train_dataset(data, options)))
    show = gradients.experimental_get_compiler_ir(features, labels)
    programs = {
        when: DumpedProgram(
            message=hlo_proto(show(stage=f"{stage}_serialized")), text=show(stage=stage)
        )
        for when, stage in (("before", "hlo"), ("after", "optimized_hlo"))
    }
    write_program(folder, f"{options.model}, gradients of a step", programs)
    module = adapters.xla().parse_program(programs["after"].message)
    return tuple(part.name for part in fusions(module))


if __name__ == "__main__":
    main(sys.argv[1])
