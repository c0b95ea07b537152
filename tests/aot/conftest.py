# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What tests of the compiler need of the machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.tensorflow_needed import skipped_without_tensorflow

# Before anything imports TensorFlow, which reads it once.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


_NEED_TENSORFLOW = frozenset(
    {
        "test_artifact.py",
        "test_auto.py",
        "test_bazel.py",
        "test_calibration_records.py",
        "test_check.py",
        "test_compile.py",
        "test_cut.py",
        "test_dump_hlo.py",
        "test_entry.py",
        "test_examples_head.py",
        "test_expressions.py",
        "test_fork_server.py",
        "test_freeze.py",
        "test_given_samples.py",
        "test_grids.py",
        "test_layers.py",
        "test_lean.py",
        "test_models.py",
        "test_load_model.py",
        "test_observe.py",
        "test_optimize.py",
        "test_optimized_augmentation.py",
        "test_optimized_graph_defs.py",
        "test_optimized_models.py",
        "test_recursion.py",
        "test_optimized_tables.py",
        "test_optimized_training.py",
        "test_other_machines.py",
        "test_pictures.py",
        "test_quantize.py",
        "test_quantized_models.py",
        "test_recurrent_layers.py",
        "test_steps.py",
        "test_tool.py",
        "test_size.py",
        "test_small_weights.py",
        "test_training.py",
        "test_weight_uses.py",
        "test_proved_rows.py",
        "test_run_checks.py",
        "test_run_time_ranges.py",
        "test_saved_model_picture.py",
        "test_serve.py",
        "test_serve_checks.py",
        "test_split_model.py",
        "test_tensorflow_backend.py",
        "test_tfcompile.py",
        "test_verdict.py",
    }
)


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    """Skips the files that need TensorFlow, with the reason, where it is missing."""
    if module_path.name not in _NEED_TENSORFLOW:
        return None
    return skipped_without_tensorflow(module_path, parent)
