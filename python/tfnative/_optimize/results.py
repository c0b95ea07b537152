# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What came of optimizing a model, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class OptimizeStep:
    """One transform, and the graph after it.

    What it changed is the difference to the step before it. The first one is
    "freeze", which makes constants of variables and is always there.

    Attributes:
        transform: As it was asked for: "remove_nodes(op=Identity)".
        applied: Whether the model was left with it.
        reason: Why not; or what else is to be said of it, or "".
        nodes: Number of nodes, those of functions included.
        ops: How many nodes there are of each op.
        bytes: Size of the graph with its constants, without what a file has besides:
            signatures, what fills tables, and other names of inputs and outputs.
        gzipped_bytes: The same, compressed as gzip does.
        constants: Number of constants.
        flops: Floating-point operations of products and convolutions at batch size 1;
            None if shapes do not tell.
        milliseconds: TensorFlow's time for all signatures at batch size 1, the
            shortest of a few; None if rows cannot be taken one by one.
        max_error: Largest difference that the step makes to an output, as a part of
            that output's largest value; None if it was not compared.
        total_error: The same against the model as it came.
        same_top1: Share of rows whose largest value stays at the same place, for
            outputs of shape (rows, classes); None if there is no such output.
    """

    transform: str
    applied: bool
    reason: str
    nodes: int
    ops: Mapping[str, int]
    bytes: int
    gzipped_bytes: int
    constants: int
    flops: int | None
    milliseconds: float | None
    max_error: float | None
    total_error: float | None
    same_top1: float | None


@dataclass(frozen=True)
class OptimizeNote:
    """What is to be known of a signature that was optimized.

    Attributes:
        signature: Its name.
        kind: "generated": the representative data do not have its inputs, so that it
            was compared on generated rows. "not_compared": outputs have no finite
            number on the samples, so that no step could be judged by them. "constant":
            outputs are the same for all samples, so that few errors would be seen.
            "still_random": it draws random numbers. "no_updates": it changed variables,
            which nothing reads, and does so no more.
        text: In a sentence, with the names of outputs or nodes, and what to do.
    """

    signature: str
    kind: str
    text: str


@dataclass(frozen=True)
class ModelSize:
    """How large a model is as files.

    Attributes:
        nodes: Number of nodes in the file with the graph, those of functions included.
        bytes: Size of that file; of a SavedModel, of all files of its folder.
    """

    nodes: int
    bytes: int


@dataclass(frozen=True)
class Optimized:
    """An optimized model that was written.

    Attributes:
        output: The SavedModel's folder, or the file with the GraphDef.
        format: "saved_model" or "graphdef".
        steps: What was done to it, in order.
        inputs: By signature, the tensors of the graph by the inputs' names.
        outputs: Likewise.
        given: The model as it came. Its steps begin with less: freezing drops what no
            output needs.
        written: The model that was written, of which the last step is the graph.
        notes: What else is to be known of the signatures.
    """

    output: Path
    format: str
    steps: tuple[OptimizeStep, ...]
    inputs: Mapping[str, Mapping[str, str]]
    outputs: Mapping[str, Mapping[str, str]]
    given: ModelSize
    written: ModelSize
    notes: tuple[OptimizeNote, ...] = ()
