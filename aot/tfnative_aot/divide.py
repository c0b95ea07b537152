# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Prepares signatures for compiling: as they are, or without their heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tfnative.errors import CompileError, InvalidArgumentError
from tfnative_aot._places import Places
from tfnative_aot._session_source import SessionSource
from tfnative_aot.check import check, source_offenders
from tfnative_aot.cut import Cut, cut
from tfnative_aot.example_head import example_head, feature_names
from tfnative_aot.freeze import flatten, freeze
from tfnative_aot.load_model import LoadedModel, Signature
from tfnative_aot.shapes import resolve_shapes

if TYPE_CHECKING:
    from tfnative.manifest import ExamplesHead
    from tfnative_aot.graph import FrozenGraph


@dataclass(frozen=True)
class Prepared:
    """A signature that can be compiled.

    Attributes:
        model: It, or its core as a model of its own.
        graph: What is compiled.
        head: What parses the inputs of the core from messages, or None.
    """

    model: LoadedModel
    graph: FrozenGraph
    head: ExamplesHead | None


def prepare(
    model: LoadedModel, signature: str, shapes: Mapping[str, Sequence[int]] | None
) -> Prepared:
    """Freezes a signature; without its head, if that cannot be compiled.

    Raises:
        InvalidArgumentError: As ``freeze``.
        CompileError: It cannot be compiled. Lists all that is wrong.
    """
    try:
        graph = freeze(model, signature, shapes=shapes)
        check(graph, Places(model.path))
    except CompileError as refusal:
        found = model.signature(signature)
        try:
            parts = divide(model, found, shapes)
        except (CompileError, InvalidArgumentError) as error:
            raise CompileError(f"{refusal}\n{error}") from error
        head = example_head(parts, resolve_shapes(found, shapes))
        if head is None:
            raise
        core = _core_model(model, parts)
        graph = freeze(core, signature)
        check(graph, Places(model.path))
        return Prepared(core, graph, head)
    return Prepared(model, graph, None)


def divide(
    model: LoadedModel,
    signature: Signature,
    shapes: Mapping[str, Sequence[int]] | None,
) -> Cut:
    """Cuts a signature's graph before what can be compiled.

    Raises:
        InvalidArgumentError: A size of an input stays unknown.
        CompileError: It cannot be cut; says why.
    """
    source = model.source.graph(signature)
    offenders = source_offenders(source, signature, Places(model.path))
    fixed = {o.op for o in offenders if not o.movable and o.op != "Assert"}
    if fixed:
        raise CompileError(
            f"it cannot be cut, because of {', '.join(sorted(fixed))}: a head has no "
            "state, and no effect but its result"
        )
    graph = flatten(model, signature.name, shapes=shapes)
    present = [f"/{node.name}" for node in graph.graph_def.node if node.op == "Assert"]
    lost = [
        offender.node
        for offender in offenders
        if offender.op == "Assert"
        and not any(name.endswith(f"/{offender.name}") for name in present)
    ]
    if lost:
        raise CompileError(
            f"it cannot be cut: the assertions {', '.join(lost)} would be lost"
        )
    known = resolve_shapes(signature, shapes)
    return cut(graph, signature, known, feature_names(graph))


def _core_model(model: LoadedModel, parts: Cut) -> LoadedModel:
    source = SessionSource.from_graph_def(parts.core.graph_def)
    signatures = {parts.signature.name: parts.signature}
    return replace(model, signatures=signatures, source=source)
