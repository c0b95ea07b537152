# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Asks TensorFlow what it makes of a batch without rows."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import numpy as np

from tfnative_aot.emit.empty_batch import EmptyBatch
from tfnative_aot.emit.interface import Signature, Tensor
from tfnative_aot.load.source import BATCH
from tfnative_aot.verify.messages import tensorflow_message
from tfnative_aot.verify.samples import Arrays, Sampler
from tfnative_aot.verify.wide_convolutions import run_wide


def empty_batch(sampler: Sampler, signature: Signature) -> EmptyBatch | None:
    """TensorFlow's answer to no rows, for the compiled code of a signature.

    Args:
        sampler: Draws inputs for the compiled code.
        signature: As it was compiled.

    Returns:
        None if it has no batch dimension, or if results depend on inputs without one:
        then there is no single answer.
    """
    if not signature.batch_sizes:
        return None
    outputs = _outputs(sampler, signature)
    if isinstance(outputs, str):
        return EmptyBatch(error=outputs)
    if not all(tensor.has_batch for tensor in signature.inputs):
        return None
    return EmptyBatch(
        tuple(
            None if tensor.has_batch else np.asarray(outputs[tensor.name]).tobytes()
            for tensor in signature.outputs
        )
    )


def _outputs(sampler: Sampler, signature: Signature) -> Arrays | str:
    """Outputs for no rows, or why there are none."""
    inputs = sampler.draw(0)
    problem = ""
    try:
        outputs = sampler.reference(inputs)
        problem = _problem(signature.outputs, outputs)
    except Exception as error:  # Whatever TensorFlow raises.
        problem = tensorflow_message(error)
    if not problem:
        return outputs
    with contextlib.suppress(Exception):  # If these fail, too, it is not the kernels.
        wide = run_wide(sampler.graph, inputs)
        if wide is not None and not _problem(signature.outputs, wide):
            return wide
    return problem


def _problem(tensors: Sequence[Tensor], outputs: Arrays) -> str:
    """What callers could not be given, since its shape is not the signature's."""
    for tensor in tensors:
        expected = tuple(0 if size == BATCH else size for size in tensor.shape)
        found = outputs[tensor.name].shape
        if expected[:1] == found[:1] == (0,) and len(found) == len(expected):
            continue  # Nothing is in it; some kernels give another width than inferred.
        if found != expected:
            return (
                f"output {tensor.name!r} has the shape {list(found)} then, and not "
                f"{list(expected)}"
            )
    return ""
