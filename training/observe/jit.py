# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What XLA's JIT gains: the same training without it, with clusters, and whole.

``off`` runs TensorFlow's own kernels; ``auto`` lets TensorFlow choose clusters of ops
that XLA compiles (autoclustering); ``on`` compiles the whole step. Each is a process of
its own, since what is compiled stays in memory.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from training.errors import TrainingError
from training.options import JIT, FitOptions

STEPS = 50
"""Of each training, by default."""
FIRST_STEPS = 2
"""Which are not like others: Keras traces again with the optimizer's variables."""

_ON_CPUS = "--tf_xla_cpu_global_jit"
"""Without it, TensorFlow chooses clusters on GPUs only."""


@dataclass(frozen=True)
class JitTrial:
    """A training with one setting.

    Attributes:
        jit: ``off``, ``auto`` or ``on``.
        step_ms: The median step, in milliseconds.
        first_ms: What the first step took longer: to trace, and to compile.
        memory_mb: How much the process grew while it trained, at most, in 10^6 bytes.
        loss: The mean over all steps: they train alike, but dropout draws other
            numbers where XLA compiles it.
        fusions: Names of what XLA fused; only for ``on``, and with a folder.
    """

    jit: str
    step_ms: float
    first_ms: float
    memory_mb: float
    loss: float
    fusions: tuple[str, ...] = ()


def let_tensorflow_choose_clusters() -> None:
    """Turns autoclustering on, for all that this process traces from now on.

    Raises:
        TrainingError: TensorFlow has been imported without the flag that it needs for
            CPUs, which it reads but once.
    """
    flags = os.environ.get("TF_XLA_FLAGS", "")
    if _ON_CPUS not in flags:
        if "tensorflow" in sys.modules:
            raise TrainingError(
                f"--jit auto needs TF_XLA_FLAGS={_ON_CPUS} in the environment before "
                "TensorFlow is imported: set it, or use the command line, which does"
            )
        os.environ["TF_XLA_FLAGS"] = f"{flags} {_ON_CPUS}".strip()
    import tensorflow as tf

    tf.config.optimizer.set_jit("autoclustering")


def compare_jit(options: FitOptions, hlo: Path | None = None) -> list[JitTrial]:
    """Trains some steps with each setting, one after the other.

    Args:
        options: ``model``, ``data``, ``data_folder``, ``batch_size``, ``steps`` and
            ``seed`` are read.
        hlo: An empty folder, or none yet, for XLA's programs of a step before and
            after optimization: as text, and drawn by Graphviz.

    Raises:
        TrainingError: A training failed, of which the message has the last line; or
            it would have no step that is like all others.
    """
    steps = options.steps or STEPS
    if steps <= FIRST_STEPS:
        raise TrainingError(
            f"{steps} steps are those in which TensorFlow traces and XLA compiles: "
            f"choose --steps {FIRST_STEPS + 1} at least, and better {STEPS}"
        )
    if hlo is not None and hlo.exists() and (not hlo.is_dir() or any(hlo.iterdir())):
        raise TrainingError(f"{hlo} exists and is no empty folder: choose another")
    return [_try(options, mode, hlo if mode == "on" else None) for mode in JIT]


def _try(options: FitOptions, mode: str, hlo: Path | None) -> JitTrial:
    job = {
        "model": options.model,
        "data": options.data,
        "data_folder": options.data_folder,
        "batch_size": options.batch_size,
        "steps": options.steps or STEPS,
        "seed": options.seed,
        "jit": mode,
        "hlo": str(hlo) if hlo else None,
    }
    done = subprocess.run(
        [sys.executable, "-m", "training.observe.jit_trial", json.dumps(job)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        said = re.sub(r"^training\.errors\.\w+: ", "", lines[-1])
        raise TrainingError(f"training with --jit {mode} failed: {said}")
    found = json.loads(done.stdout.splitlines()[-1])
    return JitTrial(**{**found, "fusions": tuple(found["fusions"])})
