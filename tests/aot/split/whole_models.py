# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What TensorFlow answers to models that are compiled in parts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Arrays = dict[str, Any]


def runner(sources: Mapping[str, Path]) -> Callable[[str, Arrays], Arrays]:
    """A function that runs one of these models, by its name, on arrays."""
    import tensorflow as tf

    loaded = {name: tf.saved_model.load(str(path)) for name, path in sources.items()}

    def run_one(name: str, inputs: Arrays) -> Arrays:
        found = loaded[name].signatures["serving_default"](
            **{
                key: tf.constant(
                    array.tolist(),
                    tf.string if array.dtype == object else array.dtype,
                    array.shape,
                )
                for key, array in inputs.items()
            }
        )
        return {key: tensor.numpy() for key, tensor in found.items()}

    return run_one


def error_without_tensorflow(artifact: Path) -> str:
    """What loading an artifact says where there is no TensorFlow."""
    program = (
        "import sys, tfnative\n"
        "try:\n"
        "    tfnative.load(sys.argv[1])\n"
        "except tfnative.NotFoundError as error:\n"
        "    print(error)\n"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "TFNATIVE_LIBTENSORFLOW": "/no/such/library.so",
    }
    done = subprocess.run(
        [sys.executable, "-c", program, artifact],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return done.stdout
