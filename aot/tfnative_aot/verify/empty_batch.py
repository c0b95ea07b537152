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
        then there is no single answer. Nor is there one if TensorFlow takes no values
        of these inputs that were tried, be there rows or none.
    """
    if not signature.batch_sizes:
        return None
    outputs = _outputs(sampler, signature)
    if outputs is None:
        return None
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


def _outputs(sampler: Sampler, signature: Signature) -> Arrays | str | None:
    """Outputs for no rows, or why there are none; None if nobody knows."""
    found = _answer(sampler, signature, sampler.draw(0))
    if not isinstance(found, str) or all(t.has_batch for t in signature.inputs):
        return found
    # It may be the values of the inputs without rows that TensorFlow refuses.
    try:
        inputs = dict(sampler.sample(1).inputs)
    except Exception:  # It takes none, be there rows or not.
        return None
    for tensor in signature.inputs:
        if tensor.has_batch:
            inputs[tensor.name] = inputs[tensor.name][:0]
    return _answer(sampler, signature, inputs)


def _answer(sampler: Sampler, signature: Signature, inputs: Arrays) -> Arrays | str:
    """Outputs for some inputs, or why there are none."""
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
