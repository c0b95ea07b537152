# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Inputs that always have the same value: a model that no longer has them.

Everything after this sees a model without these inputs, whose graph has constants in
their place, and whose reference in TensorFlow is fed with them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative.errors import InvalidArgumentError
from tfnative_aot.load.dtypes import numpy_dtype, supported_dtype
from tfnative_aot.load.filled import become_constant
from tfnative_aot.load.reach import reachable_nodes
from tfnative_aot.load.source import Arrays, Signature, SourceGraph, TensorSpec, node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.load.load_model import LoadedModel
    from tfnative_aot.load.source import Source

_PLACEHOLDERS = ("Placeholder", "PlaceholderWithDefault")


def fix_inputs(
    model: LoadedModel, constants: Mapping[str, Any], chosen: Collection[str]
) -> LoadedModel:
    """A model in which some inputs are constants.

    Args:
        model: The model.
        constants: Values by the names of inputs; in models of TensorFlow 1, also by
            those of placeholders that are no inputs of a signature.
        chosen: The signatures that are compiled. Each constant is for those that have
            such an input, at least one.

    Raises:
        InvalidArgumentError: No such input, or the value does not fit it.
    """
    if not constants:
        return model
    fixed: dict[str, _Fixed] = {}
    for name in chosen:
        signature = model.signature(name)
        whole = _with_placeholders(model, signature, constants)
        values = {
            spec.name: value_for(spec, constants[spec.name])
            for spec in whole.inputs
            if spec.name in constants
        }
        fixed[name] = _Fixed(whole, values)
    used = {name for each in fixed.values() for name in each.values}
    unknown = sorted(constants.keys() - used)
    if unknown:
        inputs = {s.name for name in chosen for s in model.signature(name).inputs}
        raise InvalidArgumentError(
            f"--constant is given for {', '.join(map(repr, unknown))}, but the "
            f"signatures {', '.join(map(repr, sorted(chosen)))} have the inputs "
            + (", ".join(map(repr, sorted(inputs))) or "(none)")
        )
    signatures = {
        name: _without(signature, fixed[name].values) if name in fixed else signature
        for name, signature in model.signatures.items()
    }
    source = _FixedSource(model.source, fixed)
    return replace(model, signatures=signatures, source=source)


def value_for(spec: TensorSpec, value: Any) -> NDArray[Any]:
    """The array that an input is fixed to.

    Raises:
        InvalidArgumentError: The value is not of the input's type, or shape.
    """
    expected = f"--constant {spec.name}: expected {_described(spec)}, got {value!r}"
    if spec.dtype == "string":
        array = np.asarray(value, object)
        if not all(isinstance(each, str | bytes) for each in array.flat):
            raise InvalidArgumentError(expected)
    elif not supported_dtype(spec.dtype):
        raise InvalidArgumentError(expected)
    else:
        array = _number(value, spec.dtype, expected)
    known = spec.shape
    if known is not None and not (
        len(known) == array.ndim
        and all(k in (None, size) for k, size in zip(known, array.shape, strict=True))
    ):
        raise InvalidArgumentError(expected)
    return array


def _number(value: Any, dtype: str, expected: str) -> NDArray[Any]:
    wanted = numpy_dtype(dtype)
    try:
        given = np.asarray(value)
        is_whole = np.issubdtype(wanted, np.integer)
        if given.size and (
            (given.dtype.kind == "b") != (dtype == "bool")
            or given.dtype.kind not in "biuf"
            or (is_whole and given.dtype.kind == "f")
        ):
            raise InvalidArgumentError(expected)
        with np.errstate(over="ignore"):
            array = np.array(value, wanted)
        if wanted.kind == "f" and not np.isfinite(array.astype(np.float64)).all():
            raise InvalidArgumentError(f"{expected}; constants are finite")
        return array
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidArgumentError(expected) from error


def _described(spec: TensorSpec) -> str:
    if spec.shape is None:
        return spec.dtype
    sizes = ", ".join("?" if size is None else str(size) for size in spec.shape)
    return f"{spec.dtype} of shape [{sizes}]"


def _with_placeholders(
    model: LoadedModel, signature: Signature, names: Collection[str]
) -> Signature:
    """The signature with those placeholders of its graph that are named, as inputs.

    What an input feeds is known by the input's name alone; so is what only another
    signature has.
    """
    missing = set(names) - {spec.name for spec in signature.inputs} - _fed(signature)
    if not missing or not model.source.names_nodes:
        return signature
    graph = model.source.graph(signature)
    needed = {node.name for node in reachable_nodes(graph.graph_def.node, graph.roots)}
    elsewhere = set().union(*map(_fed, model.signatures.values())) - needed
    extra = tuple(
        _spec(node)
        for node in graph.graph_def.node
        if node.name in missing - elsewhere and node.op in _PLACEHOLDERS
    )
    return replace(signature, inputs=(*signature.inputs, *extra))


def _fed(signature: Signature) -> set[str]:
    return {node_of(spec.tensor) for spec in signature.inputs}


def _spec(node: NodeDef) -> TensorSpec:
    shape = node.attr["shape"].shape
    sizes = tuple(None if dim.size < 0 else dim.size for dim in shape.dim)
    # Old graphs have an empty shape where nothing is known.
    known = None if shape.unknown_rank or not sizes else sizes
    dtype = tf.dtypes.as_dtype(node.attr["dtype"].type).name
    return TensorSpec(node.name, f"{node.name}:0", dtype, known)


def _without(signature: Signature, names: Collection[str]) -> Signature:
    kept = tuple(spec for spec in signature.inputs if spec.name not in names)
    return replace(signature, inputs=kept)


class _Fixed:
    """A signature with all of its inputs, and the values of some."""

    def __init__(self, signature: Signature, values: Arrays) -> None:
        self.signature = signature
        self.values = values


class _FixedSource:
    """A source whose signatures have fewer inputs. Implements Source."""

    def __init__(self, source: Source, fixed: Mapping[str, _Fixed]) -> None:
        self._source = source
        self._fixed = fixed
        self.names_nodes = source.names_nodes

    def run(self, signature: Signature, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        """See Source."""
        found = self._fixed.get(signature.name)
        if found is None:
            return self._source.run(signature, feeds)
        return self._source.run(found.signature, {**feeds, **found.values})

    def graph(self, signature: Signature) -> SourceGraph:
        """See Source."""
        found = self._fixed.get(signature.name)
        if found is None:
            return self._source.graph(signature)
        return _constant(self._source.graph(found.signature), found.values)

    def constant_graph(self, signature: Signature, graph: SourceGraph) -> SourceGraph:
        """See Source."""
        found = self._fixed.get(signature.name)
        if found is None:
            return self._source.constant_graph(signature, graph)
        frozen = self._source.constant_graph(found.signature, graph)
        return _constant(frozen, found.values)


def _constant(source: SourceGraph, values: Arrays) -> SourceGraph:
    """A graph with constants in the place of inputs."""
    by_node = {
        node_of(source.inputs[name]): array
        for name, array in values.items()
        if name in source.inputs  # Else they already are constants.
    }
    graph_def = GraphDef()
    graph_def.CopyFrom(source.graph_def)
    for node in graph_def.node:
        if node.name in by_node:
            become_constant(node, by_node[node.name])
    inputs = {n: tensor for n, tensor in source.inputs.items() if n not in values}
    return SourceGraph(graph_def, inputs, source.outputs, source.roots)
