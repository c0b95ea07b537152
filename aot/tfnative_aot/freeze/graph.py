# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The value that flows from the frontend into the compiler: a frozen graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef

    from tfnative_aot.freeze.quantized import PlacedCall
    from tfnative_aot.load.places import Places
    from tfnative_aot.load.source import SourceGraph


@dataclass(frozen=True)
class GraphTensor:
    """An input or output of a signature and the graph's tensor behind it.

    Attributes:
        name: Name in the signature, as the user knows it.
        tensor: Name in the graph, as ``node:index``.
        dtype: NumPy's name of the element type ("float32"), or "bfloat16".
        shape: Sizes. BATCH, in the first place only, is the batch size. For an
            output, None where the sizes are known only after compiling.
    """

    name: str
    tensor: str
    dtype: str
    shape: tuple[int, ...] | None


@dataclass(frozen=True)
class Check:
    """What TensorFlow checks while it runs a node: a tfn_check of abi.h.

    Attributes:
        node: The node's name, as the user knows it.
        op: Its op.
        message: TensorFlow's, with the places for numbers that abi.h describes.
        value_count: How many numbers the message may have in it.
        shape: Of what is checked; -k stands for k times the batch size.
        joint: Whether it looks at rows together, so that it may hold for a batch and
            not for each of its rows, or the other way round.
    """

    node: str
    op: str
    message: str
    value_count: int
    shape: tuple[int, ...]
    joint: bool = False


@dataclass(frozen=True)
class FrozenGraph:
    """One signature as a graph without variables, pruned to what it needs.

    Attributes:
        signature: The signature's name.
        graph_def: The graph; inputs are Placeholder nodes.
        inputs: In the signature's order (sorted by name, as TensorFlow has them).
        outputs: Likewise.
        has_batch: Whether inputs have a batch dimension. If not, all shapes are
            fixed and there is one variant.
        checks: What is checked while it runs.
        check_tensor: The graph's tensor that says what failed, or "" without checks.
            It is int64 and holds, for each check in order, the position of the first
            bad element (-1: there is none), and then the values for its message.
        places: Where in the user's code nodes were made, if that is known.
        plain: The graph before any rewrite of ours.
        calls: Its functions that are computed of quantized arrays, by their names.
    """

    signature: str
    graph_def: GraphDef
    inputs: tuple[GraphTensor, ...]
    outputs: tuple[GraphTensor, ...]
    has_batch: bool
    checks: tuple[Check, ...] = ()
    check_tensor: str = ""
    places: Places | None = None
    plain: SourceGraph | None = None
    calls: Mapping[str, PlacedCall] = field(default_factory=dict)
