# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Why nodes are refused: the rules, before and after freezing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tensorflow.core.framework import types_pb2

from tfnative_aot import adapters
from tfnative_aot.freeze.own_ops import gives_open_size, is_own_op
from tfnative_aot.load.reach import body_nodes, reachable_functions

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_CHANGES_STATE = re.compile(
    r"Assign|^(Resource)?(Sparse)?Apply|^ResourceSparseApply|^ResourceScatter|"
    r"^Scatter(Nd)?(Add|Sub|Mul|Div|Min|Max|Update)$|^(Resource)?CountUpTo$|"
    r"^DestroyResourceOp$"
)
_RANDOM = re.compile(
    r"^(Random(Uniform|StandardNormal|Gamma|Poisson|Shuffle|UniformInt).*|"
    r"TruncatedNormal|ParameterizedTruncatedNormal|Multinomial|Stateful.*(Normal|"
    r"Uniform).*|StatefulRandomBinomial|RngSkip|RngReadAndSkip)$"
)
_GENERATOR = re.compile(r"^(RngSkip|RngReadAndSkip|Stateful(?!PartitionedCall))")
_FROM_A_SEED = re.compile(
    r"^Stateless(Random(?!GetKey|GetAlg)|TruncatedNormal|Multinomial|Parameterized)"
)
_PYTHON = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc", "NumpyFunction"})
_DROPPED = frozenset({"Print", "PrintV2", "LogString"})
CHECKS = frozenset({"Assert", "CheckNumerics", "CheckNumericsV2"})
"""Ops that do nothing but check, which become checks of the compiled code."""
_TABLE = re.compile(r"(Hash|Lookup)Table|^InitializeTable")
# XLA's just-in-time compiler has kernels for these, but what they become cannot be
# written to a file.
_NOT_AHEAD_OF_TIME = re.compile(r"^(I?R?FFT([23N]D|ND)?|Batch.*FFT.*)$")
SIZE_DEPENDS_ON_DATA = frozenset(
    {
        "DynamicPartition",
        "Unique",
        "UniqueV2",
        "UniqueWithCounts",
        "UniqueWithCountsV2",
        "Where",
    }
)
"""Ops whose results have as many elements as the data say."""
# XLA's kernels for these round otherwise than TensorFlow's, or end its process.
_ROUNDED_OTHERWISE = frozenset(
    {
        "UniformQuantize",
        "UniformQuantizedAdd",
        "UniformQuantizedClipByValue",
        "UniformQuantizedConvolution",
        "UniformQuantizedDot",
        "UniformRequantize",
    }
)
# Loops and branches as TensorFlow 1 wrote them: tfcompile makes While and If of them.
_OLD_CONTROL_FLOW = frozenset(
    {
        "Enter",
        "Exit",
        "LoopCond",
        "Merge",
        "NextIteration",
        "RefEnter",
        "RefExit",
        "RefIdentity",
        "RefMerge",
        "RefNextIteration",
        "RefSwitch",
        "Switch",
    }
)
# Variables become constants, and what is called is looked at by itself.
_FINE_BEFORE_FREEZING = frozenset(
    {
        "If",
        "PartitionedCall",
        "Placeholder",
        "ReadVariableOp",
        "ResourceGather",
        "ResourceGatherNd",
        "StatefulPartitionedCall",
        "StatelessIf",
        "StatelessWhile",
        "VarHandleOp",
        "Variable",
        "VariableV2",
        "While",
    }
)
_VARIABLES = frozenset({"ReadVariableOp", "VarHandleOp", "Variable", "VariableV2"})
_NO_TENSORS = frozenset(
    {types_pb2.DT_STRING, types_pb2.DT_RESOURCE, types_pb2.DT_VARIANT}
)


def wrong_before_freezing(node: NodeDef, graph_def: GraphDef) -> str:
    """Why a node cannot be compiled, or "" if it may."""
    if node.op in CHECKS:
        return ""
    effect = _effect(node)
    if effect or _is_fine_before_freezing(node, graph_def):
        return effect
    definition = adapters.tf().op_definition(node.op)
    if definition is None:
        return "is an op that this TensorFlow does not know"
    types = _types(node) | _fixed_types(definition)
    if types_pb2.DT_STRING in types:
        return "works on strings, which cannot be compiled"
    if types & _NO_TENSORS or definition.is_stateful:
        return "has a state or an effect, which cannot be compiled"
    return ""  # It may be folded away: judged after freezing.


def wrong_after_freezing(node: NodeDef, graph_def: GraphDef) -> str:
    """Why a node of a frozen graph cannot be compiled, or "" if it can."""
    if effect := _effect(node):
        return effect
    if node.op in CHECKS or node.op == "Placeholder" or _is_call(node, graph_def):
        return ""
    # Whatever reads a string is refused, but for assertions, which print them.
    if node.op == "Const" and node.attr["dtype"].type == types_pb2.DT_STRING:
        return ""
    if node.op in _VARIABLES:
        return "is a variable that could not become a constant"
    if types_pb2.DT_STRING in _types(node):
        return "works on strings, which cannot be compiled"
    if node.op in _OLD_CONTROL_FLOW:
        return ""
    if node.op in SIZE_DEPENDS_ON_DATA or gives_open_size(node):
        return "the size of its result depends on the data; only fixed shapes compile"
    return _wrong_for_xla(node)


def refused_ops(node: NodeDef, graph_def: GraphDef) -> set[str]:
    """What of a frozen graph's node cannot be compiled: its op, or those it calls."""
    found = set()
    nodes = [node]
    for function in reachable_functions(graph_def, [node]):
        nodes += body_nodes(function)
    for each in nodes:
        if each.op != "Const":
            reason = wrong_after_freezing(each, graph_def)
            if each.op == "Placeholder" and _types(each) & _NO_TENSORS:
                reason = "has elements that cannot be passed to compiled code"
            if reason:
                found.add(each.op)
    return found


def can_move(node: NodeDef) -> bool:
    """Whether it gives the same for the same inputs, in TensorFlow without Python."""
    if _TABLE.search(node.op):
        return True
    if _effect(node):
        return False
    definition = adapters.tf().op_definition(node.op)
    return definition is not None and not definition.is_stateful


def is_handle(node: NodeDef) -> bool:
    """Whether it stands for a variable or a table, not for numbers."""
    return node.attr["dtype"].type in (types_pb2.DT_RESOURCE, types_pb2.DT_VARIANT)


def changes_state(node: NodeDef) -> bool:
    """Whether it changes a variable."""
    return bool(_CHANGES_STATE.search(node.op))


def moves_generator(node: NodeDef) -> bool:
    """Whether it changes the variable in which a tf.random.Generator counts."""
    return bool(_GENERATOR.match(node.op))


def is_state(node: NodeDef) -> bool:
    """Whether it changes a variable or draws random numbers, and does no more."""
    return bool(_CHANGES_STATE.search(node.op) or _RANDOM.match(node.op))


def draws_numbers(node: NodeDef) -> bool:
    """Whether its results are random, be it from a seed that is given."""
    return bool(_RANDOM.match(node.op) or _FROM_A_SEED.match(node.op))


def _effect(node: NodeDef) -> str:
    if _CHANGES_STATE.search(node.op):
        return "changes a variable; a compiled model keeps no state"
    if node.op == "Abort":
        return "ends the process, which compiled code would not; remove it"
    if node.op in _DROPPED:
        return "prints, which compiled code would not; remove it"
    if node.op in _PYTHON:
        return "calls Python"
    if _TABLE.search(node.op):
        return "is or uses a lookup table, which cannot be compiled"
    if _RANDOM.match(node.op):
        return (
            "draws other random numbers at each run; export it with training=False, "
            "or make the numbers an input"
        )
    return ""


def _is_fine_before_freezing(node: NodeDef, graph_def: GraphDef) -> bool:
    return (
        node.op in _FINE_BEFORE_FREEZING
        or node.op in _OLD_CONTROL_FLOW
        or node.op in adapters.tf().xla_kernels()
        or _is_call(node, graph_def)
    )


def _is_call(node: NodeDef, graph_def: GraphDef) -> bool:
    library = graph_def.library.function
    return any(function.signature.name == node.op for function in library)


def _wrong_for_xla(node: NodeDef) -> str:
    if is_own_op(node):
        return ""
    kernels = adapters.tf().xla_kernels().get(node.op)
    if not kernels:
        return "XLA has no kernel for this op"
    if _NOT_AHEAD_OF_TIME.match(node.op):
        return "XLA compiles this op just in time only"
    if node.op in _ROUNDED_OTHERWISE:
        return "XLA rounds its results otherwise than TensorFlow"
    if node.op == "Dequantize" and node.attr["mode"].s not in (b"", b"MIN_COMBINED"):
        return "XLA has the mode MIN_COMBINED only; the others have to be of constants"
    if not any(_fits(kernel, node) for kernel in kernels):
        types = ", ".join(sorted(types_pb2.DataType.Name(t) for t in _types(node)))
        return f"XLA has no kernel for this op with {types.replace('DT_', '').lower()}"
    return ""


def _fits(kernel: Any, node: NodeDef) -> bool:
    """Whether a kernel takes a node's element types."""
    for constraint in kernel.constraint:
        allowed = constraint.allowed_values.list.type
        # Looking up what is not there would add it to the node.
        if allowed and constraint.name in node.attr:
            value = node.attr[constraint.name]
            kind = value.WhichOneof("value")
            given = [value.type] if kind == "type" else value.list.type
            if kind and not set(given) <= set(allowed):
                return False
    return True


def _types(node: NodeDef) -> set[int]:
    found: set[int] = set()
    for value in node.attr.values():
        if value.WhichOneof("value") == "type":
            found.add(value.type)
        found.update(value.list.type)
    return found


def _fixed_types(definition: Any) -> set[int]:
    return {arg.type for arg in (*definition.input_arg, *definition.output_arg)}
