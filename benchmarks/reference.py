# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What TensorFlow says of a model: an answer to compare with, and its work.

python -m benchmarks.reference SAVED_MODEL ROWS OUTPUT

writes OUTPUT.npz with inputs and the output, and OUTPUT.json with what
benchmarks.work counts. ``draw_samples`` draws inputs to calibrate with.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.models import VOCABULARY
from benchmarks.work import count


def main(saved_model: str, rows: str, output: str) -> None:
    """Writes both files."""
    import tensorflow as tf

    loaded = tf.saved_model.load(saved_model)
    serve = loaded.signatures["serving_default"]
    inputs = _inputs(serve, int(rows), seed=5)
    (answer,) = serve(**{k: tf.constant(v) for k, v in inputs.items()}).values()
    named = {f"input:{name}": value for name, value in inputs.items()}
    work = count(serve, int(rows))
    Path(f"{output}.json").write_text(json.dumps(asdict(work)))
    np.savez(f"{output}.npz", output=answer.numpy(), **named)


def draw_samples(saved_model: Path, output: Path, samples: int) -> None:
    """Writes a .npz file with inputs that are drawn as those of the answer are."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(saved_model))
    inputs = _inputs(loaded.signatures["serving_default"], samples, seed=6)
    np.savez(output, **inputs)


def _inputs(serve: Any, rows: int, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        name: _draw(rng, (rows, *spec.shape[1:]), spec.dtype.as_numpy_dtype)
        for name, spec in serve.structured_input_signature[1].items()
    }


def _draw(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Any:
    """Numbers around zero; whole ones are ids of a vocabulary."""
    if np.issubdtype(dtype, np.integer):
        return rng.integers(VOCABULARY, size=shape).astype(dtype)
    return rng.standard_normal(shape).astype(dtype)


if __name__ == "__main__":
    main(*sys.argv[1:])
