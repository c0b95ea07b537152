# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Prepares signatures for compiling: as they are, or without heads and tails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from tfnative.errors import CompileError, InvalidArgumentError
from tfnative_aot.freeze.check import (
    check,
    lost_assertions,
    source_assertions,
    source_offenders,
)
from tfnative_aot.freeze.freeze import flatten, freeze
from tfnative_aot.freeze.live import live_graph
from tfnative_aot.freeze.refusals import refused_ops
from tfnative_aot.load.load_model import LoadedModel, Signature
from tfnative_aot.load.places import Places
from tfnative_aot.load.session_source import SessionSource
from tfnative_aot.load.shapes import resolve_shapes
from tfnative_aot.load.source import BATCH, Arrays
from tfnative_aot.split.check_part import check_part
from tfnative_aot.split.core_graph import core_graph
from tfnative_aot.split.cut import Cut, cut
from tfnative_aot.split.cut_tail import TailCut, cut_tail
from tfnative_aot.split.example_head import example_head, feature_names
from tfnative_aot.split.heavy import count_heavy
from tfnative_aot.split.picked_rows import picks
from tfnative_aot.split.tensorflow_part import head_roots

if TYPE_CHECKING:
    from tfnative.manifest import ExamplesHead, LayerPrecision, PrecisionChoice
    from tfnative_aot.freeze.graph import FrozenGraph
    from tfnative_aot.load.source import SourceGraph


@dataclass(frozen=True)
class Prepared:
    """A signature that can be compiled.

    Attributes:
        model: It, or its core as a model of its own.
        graph: What is compiled.
        head: What parses the inputs of the core from messages, or None.
        parts: Where it was cut, if TensorFlow is to run its head.
        tail: Where its end was cut off, if TensorFlow is to run that.
        refusal: Why it is not compiled as a whole, or None.
        layers: Its weights, if they were to be rounded, and what became of them.
        exact: The model before its weights were rounded; None if they were not.
        weights_alone: The model with rounded weights, where ``model`` rounds more.
        products: Nodes that multiply with rounded weights, and could do so in int8.
        samples: Of calibration, in batches: by "calibration" those that ranges are of,
            by "held out" the others.
        notes: What is to be said of these and of what was found of them.
        choice: How it was chosen which layers are in 8 bits, or None.
        judged: How it was chosen, once it is known which products all programs have in
            8 bits; None as ``choice``.
        small: The type that holds weights of some layers whose results are floats, as
            XLA calls it; "" if it is the same for all.
    """

    model: LoadedModel
    graph: FrozenGraph
    head: ExamplesHead | None = None
    parts: Cut | None = None
    tail: TailCut | None = None
    refusal: CompileError | None = None
    layers: tuple[LayerPrecision, ...] = ()
    exact: LoadedModel | None = None
    weights_alone: LoadedModel | None = None
    products: frozenset[str] = frozenset()
    samples: Mapping[str, Sequence[Arrays]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    choice: PrecisionChoice | None = None
    judged: Callable[[frozenset[str]], PrecisionChoice] | None = None
    small: Literal["", "f16"] = ""


def prepare(
    model: LoadedModel, signature: str, shapes: Mapping[str, Sequence[int]] | None
) -> Prepared:
    """Freezes a signature; without its head or tail, if these cannot be compiled.

    Raises:
        InvalidArgumentError: As ``freeze``.
        CompileError: It cannot be compiled. Lists all that is wrong.
    """
    try:
        graph = freeze(model, signature, shapes=shapes)
        check(graph, Places(model.path))
    except CompileError as refusal:
        try:
            core = _core(model, model.signature(signature), shapes)
            return replace(core, refusal=refusal)
        except (CompileError, InvalidArgumentError) as error:
            raise _both(refusal, error) from error
    return Prepared(model, graph)


def explained(prepared: Sequence[Prepared], error: CompileError) -> CompileError:
    """What went wrong with a core, after what is wrong with the whole.

    The tensors at which a core begins have names that no user gave them.
    """
    for each in prepared:
        if each.refusal is not None and repr(each.graph.signature) in str(error):
            error = _both(each.refusal, error)
    return error


def _both(refusal: CompileError, error: Exception) -> CompileError:
    reasons = dict.fromkeys(map(str, (refusal, error)))
    return CompileError("\n".join(reasons), ops=refusal.ops)


def _core(
    model: LoadedModel,
    signature: Signature,
    shapes: Mapping[str, Sequence[int]] | None,
) -> Prepared:
    parts, tail = divide(model, signature, shapes)
    head = None
    if tail is not None:
        check_part(tail.graph.graph_def, tail.graph.roots, model)
    elif parts.head:
        head = example_head(parts, resolve_shapes(signature, shapes))
    if head is None and parts.head:
        check_part(parts.graph.graph_def, head_roots(parts), model)
    core = _core_model(model, parts)
    graph = freeze(core, signature.name)
    check(graph, Places(model.path))
    needs_tensorflow = parts.head and head is None
    return Prepared(core, graph, head, parts if needs_tensorflow else None, tail)


def divide(
    model: LoadedModel,
    signature: Signature,
    shapes: Mapping[str, Sequence[int]] | None,
) -> tuple[Cut, TailCut | None]:
    """Cuts a signature's graph before what can be compiled, and perhaps behind it.

    Without a head, nothing is cut off before a tail: the first part has no nodes then.

    Raises:
        InvalidArgumentError: A size of an input stays unknown.
        CompileError: It cannot be cut; says why.
    """
    places = Places(model.path)
    source = live_graph(model, signature, resolve_shapes(signature, shapes), places)
    offenders = source_offenders(source, signature, places)
    fixed = {o.op for o in offenders if not o.movable}
    if fixed:
        raise CompileError(
            f"it cannot be cut, because of {', '.join(sorted(fixed))}: a head has no "
            "state, and no effect but its result"
        )
    graph = flatten(model, signature.name, shapes=shapes)
    assertions = source_assertions(source, places)
    lost = lost_assertions(assertions, graph.unreached, graph.graph_def)
    if lost:
        names = ", ".join(offender.node for offender in lost)
        raise CompileError(f"it cannot be cut: the assertions {names} would be lost")
    return _divide(graph, signature, resolve_shapes(signature, shapes))


def _divide(
    graph: SourceGraph, signature: Signature, shapes: Mapping[str, tuple[int, ...]]
) -> tuple[Cut, TailCut | None]:
    """Leaves to TensorFlow a head, or else a tail, and perhaps both."""
    parts, failure = None, None
    try:
        parts = _best_cut(graph, signature, shapes)
    except CompileError as error:
        failure = error
    if parts is not None and count_heavy(parts.core) == count_heavy(graph):
        # What picks some of the rows has to run behind what is compiled for all.
        whole = _whole_before_tail(graph, signature, shapes) if picks(parts) else None
        return whole or (parts, None)
    # The message about the head names what stands at the end of the model.
    with suppress(CompileError):
        tail = cut_tail(graph, signature, shapes)
        before = _before_tail(tail, shapes) if tail is not None else None
        if before is not None and (
            parts is None or count_heavy(before.core) > count_heavy(parts.core)
        ):
            return before, tail
    if parts is None:
        assert failure is not None
        raise failure
    return parts, None


def _whole_before_tail(
    graph: SourceGraph, signature: Signature, shapes: Mapping[str, tuple[int, ...]]
) -> tuple[Cut, TailCut] | None:
    """All the work, without a head, and a tail; None if it cannot be cut like this."""
    with suppress(CompileError):
        tail = cut_tail(graph, signature, shapes)
        before = _before_tail(tail, shapes) if tail is not None else None
        if (
            before is not None
            and not before.head
            and count_heavy(before.core) == count_heavy(graph)
        ):
            assert tail is not None
            return before, tail
    return None


def _before_tail(tail: TailCut, shapes: Mapping[str, tuple[int, ...]]) -> Cut:
    front, signature = tail.front, tail.front_signature
    own = {name: shapes[name] for name in front.inputs}
    if any(refused_ops(node, front.graph_def) for node in front.graph_def.node):
        return _best_cut(front, signature, own)
    core, core_signature = core_graph(front, signature, frozenset(), {}, {}, own)
    return Cut(front, frozenset(), {}, (), core, core_signature, ())


def _best_cut(
    graph: SourceGraph, signature: Signature, shapes: Mapping[str, tuple[int, ...]]
) -> Cut:
    """The first of the ways to cut that leave most of the work to compiled code."""
    ways = [{"open_rows": False, "rows_only": False}]
    if any(BATCH in shape for shape in shapes.values()):
        ways = [
            {"open_rows": open_rows, "rows_only": rows_only}
            for rows_only in (True, False)
            for open_rows in (False, True)
        ]
    most = count_heavy(graph)
    best: tuple[int, Cut] | None = None
    failure: CompileError | None = None
    for way in ways:
        try:
            parts = cut(graph, signature, shapes, feature_names(graph), **way)
        except CompileError as error:
            failure = failure or error
            continue
        count = count_heavy(parts.core)
        if best is None or count > best[0]:
            best = count, parts
        if count == most:
            break
    if best is None:
        assert failure is not None
        raise failure
    return best[1]


def _core_model(model: LoadedModel, parts: Cut) -> LoadedModel:
    source = SessionSource.from_graph_def(parts.core.graph_def)
    signatures = {parts.signature.name: parts.signature}
    return replace(model, signatures=signatures, source=source)
