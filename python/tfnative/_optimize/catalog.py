# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Every transform by name: whose it is, what it takes, and what it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class TransformKind:
    """A transform that a model can be put through.

    Attributes:
        name: As it is asked for.
        meaning: What it does, in one sentence.
        parameters: What each of its parameters is, by name.
        is_exact: Whether results stay the same but for rounding.
        is_ours: Whether the Graph Transform Tool of TensorFlow does not have it.
    """

    name: str
    meaning: str
    parameters: Mapping[str, str]
    is_exact: bool = True
    is_ours: bool = False


def _kind(
    name: str, meaning: str, /, *, lossy: bool = False, ours: bool = False, **of: str
) -> TransformKind:
    return TransformKind(name, meaning, of, is_exact=not lossy, is_ours=ours)


_OP_NAME = "the op whose nodes it is about; * for all"

_ALL = (
    _kind(
        "add_default_attributes",
        "Writes out attributes that nodes leave at their defaults.",
    ),
    _kind("backport_concatv2", "Makes ConcatV2 the Concat of older TensorFlow."),
    _kind(
        "backport_tensor_array_v3",
        "Makes version 3 of the TensorArray ops the version 2 of older TensorFlow.",
    ),
    _kind(
        "flatten_atrous_conv",
        "Makes SpaceToBatchND, Conv2D and BatchToSpaceND one convolution of a kernel "
        "with zeros in it.",
    ),
    _kind(
        "fold_batch_norms",
        "Multiplies scales after convolutions and matrix products into their weights.",
    ),
    _kind(
        "fold_constants",
        "Computes once what does not depend on inputs.",
        clear_output_shapes="whether to forget noted shapes: true (the default) or "
        "false",
    ),
    _kind(
        "fold_old_batch_norms",
        "Multiplies FusedBatchNorm, of every version, into the weights before it.",
    ),
    _kind(
        "freeze_requantization_ranges",
        "Puts ranges that were seen on samples in the place of those that "
        "quantize_nodes lets the graph compute; runs in TensorFlow only.",
        lossy=True,
        min_max_log_file="file with what insert_logging printed; by default, the graph "
        "is run on the samples or the representative data",
        min_percentile="how many of the lowest minima to pass over, in percent; 5 by "
        "default",
        max_percentile="how many of the highest maxima to pass over, in percent; 5 by "
        "default",
    ),
    _kind(
        "inline_partitionedcall",
        "Puts functions in the place of their calls.",
    ),
    _kind(
        "insert_logging",
        "Lets nodes print their values to standard error while they run.",
        op="print the nodes of this op; may come several times",
        prefix="print the nodes whose names start so; may come several times",
        show_op="whether to print the op: true or false (the default)",
        show_name="whether to print the name: true or false (the default)",
        message="a text to print before the values",
        first_n="how often each node prints; -1 (the default) for always",
        summarize="how many numbers of a tensor to print; 1024 by default",
    ),
    _kind(
        "merge_duplicate_nodes",
        "Keeps one of several nodes that compute the same from the same.",
    ),
    _kind(
        "obfuscate_names",
        "Gives nodes short names that say nothing; inputs and outputs keep theirs.",
    ),
    _kind(
        "quantize_nodes",
        "Computes in eight bits where TensorFlow can, and makes quantize_weights' "
        "constants its weights; runs in TensorFlow only.",
        lossy=True,
        input_min="the least value of all inputs, if they are given as such",
        input_max="the largest value of all inputs",
        fallback_min="the least value of what has no known range",
        fallback_max="the largest value of what has no known range",
    ),
    _kind(
        "quantize_weights",
        "Keeps weights in eight bits, and makes floats of them when it runs.",
        lossy=True,
        minimum_size="how many elements the smallest constant has that is quantized; "
        "1024 by default",
    ),
    _kind(
        "remove_assertions",
        "Removes Assert and CheckNumerics: what they would raise is raised no more.",
        ours=True,
    ),
    _kind(
        "remove_attribute",
        "Removes an attribute from nodes.",
        attribute_name="the attribute",
        op_name=_OP_NAME,
    ),
    _kind(
        "remove_control_dependencies",
        "Lets no node wait for others whose values it does not read.",
    ),
    _kind("remove_device", "Forgets which devices nodes were placed on."),
    _kind(
        "remove_nodes",
        "Removes the nodes of an op, and lets readers read what these read.",
        op="the op; may come several times",
        max_inputs="leave nodes alone that have more inputs; 1 by default",
    ),
    _kind(
        "remove_training_nodes",
        "Removes dropout and noise, which are for training.",
        ours=True,
    ),
    _kind(
        "rename_attribute",
        "Gives an attribute another name.",
        old_attribute_name="what it is called",
        new_attribute_name="what to call it",
        op_name=_OP_NAME,
    ),
    _kind(
        "rename_node",
        "Gives a node another name.",
        old_node_name="what it is called",
        new_node_name="what to call it",
    ),
    _kind(
        "rename_op",
        "Makes the nodes of an op those of another one.",
        old_op_name="the op that they are of",
        new_op_name="the op to make of it",
    ),
    _kind(
        "round_weights",
        "Rounds weights to few different values, so that the file compresses well.",
        lossy=True,
        num_steps="how many values each constant keeps; 256 by default",
    ),
    _kind(
        "set_device",
        "Notes which device nodes are to run on.",
        device="the device, as /cpu:0",
        if_default="whether to leave nodes alone that have one: true or false (the "
        "default)",
    ),
    _kind(
        "sort_by_execution_order",
        "Writes each node behind those that it reads.",
    ),
    _kind(
        "sparsify_gather",
        "Makes tables of constants that are mostly zeros, and are gathered from, "
        "sparse.",
        input_checkpoint="checkpoint with the tables of a graph that is not frozen",
        group_init_node="the node that initialises what is made",
    ),
    _kind(
        "strip_unused_nodes",
        "Removes what no output needs.",
        type="type of inputs that are made placeholders; float32 by default",
        shape="shape of inputs that are made placeholders",
        name="an input for which the next two are; may come several times",
        type_for_name="its type",
        shape_for_name="its shape",
    ),
)

CATALOG: Mapping[str, TransformKind] = {kind.name: kind for kind in _ALL}
"""All transforms by name, sorted."""

GONE = frozenset(
    {
        "fake_quantize_training",
        "fold_batch_norms_algebraic",
        "fold_moments",
        "fold_subdivmul_batch_norms",
        "fuse_convolutions",
        "fuse_quantized_convolution",
        "fuse_remote_graph",
        "remove_ema",
    }
)
"""Names that the tool had in earlier versions of TensorFlow."""

FOR_PREDICTION = (
    "remove_training_nodes strip_unused_nodes remove_nodes(op=Identity) "
    "fold_constants fold_batch_norms fold_old_batch_norms merge_duplicate_nodes "
    "sort_by_execution_order"
)
"""What a model is put through if nobody says otherwise, in an order that works."""
