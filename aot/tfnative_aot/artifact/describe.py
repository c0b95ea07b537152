# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What an artifact says of itself: its interface, manifest and program listing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tfnative.errors import CompileError
from tfnative.manifest import (
    ExamplesHead,
    Manifest,
    SignatureManifest,
    TensorFlowHead,
    TensorFlowTail,
    TensorManifest,
    VariantMemory,
)
from tfnative_aot import adapters
from tfnative_aot.artifact.package import Parts
from tfnative_aot.emit.c_names import c_identifier, function_identifier
from tfnative_aot.emit.interface import (
    Interface,
    Signature,
    Tensor,
)
from tfnative_aot.emit.step_table import kind
from tfnative_aot.emit.steps.scratch import thread_bytes
from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.load.dtypes import supported_dtype
from tfnative_aot.load.load_model import LoadedModel
from tfnative_aot.load.source import BATCH
from tfnative_aot.machines.targets import Target
from tfnative_aot.program.passes.order_steps import peak_bytes
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import Step
from tfnative_aot.program.traverse import children, slices


@dataclass(frozen=True)
class RowRule:
    """Whether the rows of a signature may be padded and split, and why.

    Attributes:
        kind: As ``SignatureManifest.rows``.
        reason: As ``SignatureManifest.rows_reason``.
    """

    kind: str
    reason: str = ""

    def allows(self, all_batched: bool) -> bool:
        """Whether they may. An output without rows is the same for any if proved."""
        return self.kind == "proved" or (self.kind == "declared" and all_batched)


def describe(
    name: str,
    target: Target,
    graphs: Sequence[FrozenGraph],
    programs: Sequence[Program],
    rules: Sequence[RowRule],
) -> Interface:
    """The interface of an artifact, with output shapes as they were compiled.

    Raises:
        CompileError: A tensor's type cannot cross the C ABI, or the shape of an
            output depends on the batch size in a way that no artifact can have.
    """
    functions: set[str] = {"artifact", "bind_weights"}
    signatures = []
    for index, graph in enumerate(graphs):
        of_signature = [p for p in programs if p.key.signature == index]
        names: set[str] = set()
        inputs = tuple(
            _tensor(graph, t.name, t.dtype, t.shape or (), names) for t in graph.inputs
        )
        shapes = _output_shapes(graph, of_signature)
        outputs = tuple(
            _tensor(graph, t.name, t.dtype, shape, names)
            for t, shape in zip(graph.outputs, shapes, strict=True)
        )
        all_batched = all(shape[:1] == (BATCH,) for shape in shapes)
        sizes = {p.key.batch_size for p in of_signature} - {0}
        signatures.append(
            Signature(
                name=graph.signature,
                c_name=function_identifier(graph.signature, functions),
                inputs=inputs,
                outputs=outputs,
                batch_sizes=tuple(sorted(sizes)),
                rows_independent=rules[index].allows(all_batched),
                checks=graph.checks,
            )
        )
    return Interface(name, target, tuple(signatures))


def make_manifest(
    parts: Parts,
    model: LoadedModel,
    heads: Mapping[str, ExamplesHead | TensorFlowHead],
    tails: Mapping[str, TensorFlowTail],
    rules: Sequence[RowRule],
) -> Manifest:
    """The manifest, as far as it is known before the artifact has been tried."""
    weights = parts.weights.data
    target = parts.interface.target
    return Manifest(
        name=parts.interface.name,
        library=target.shared_library(parts.interface.name),
        triple=target.triple,
        cpu_levels=tuple(level.name for level in parts.levels),
        tfnative_version=_version("tfnative"),
        tensorflow_version=adapters.tensorflow_version(),
        source_digest=model.source_digest,
        weights_digest=f"sha256:{hashlib.sha256(weights).hexdigest()}",
        weights_bytes=len(weights),
        assets=tuple(Path(asset).name for asset in model.assets),
        signatures={
            s.name: SignatureManifest(
                inputs=tuple(
                    TensorManifest(t.name, t.dtype, t.shape) for t in s.inputs
                ),
                outputs=tuple(
                    TensorManifest(t.name, t.dtype, t.shape) for t in s.outputs
                ),
                batch_sizes=s.batch_sizes,
                rows_independent=s.rows_independent,
                golden=f"golden/{golden_file_name(s.name)}",
                fidelity=(),
                unverified_cpu_levels=(),
                head=heads.get(s.name),
                tail=tails.get(s.name),
                rows=rule.kind,
                rows_reason=rule.reason,
                memory=tuple(
                    _memory(p, target)
                    for p in parts.programs
                    if p.key.signature == index
                ),
            )
            for index, (s, rule) in enumerate(
                zip(parts.interface.signatures, rules, strict=True)
            )
        },
    )


def _memory(program: Program, target: Target) -> VariantMemory:
    own = thread_bytes(program, target.pointer_bytes)
    return VariantMemory(
        batch_size=program.key.batch_size,
        cpu_level=program.key.level.name,
        workspace_bytes=program.temp_bytes + own,
        thread_bytes=own,
        values_bytes=program.temp_bytes,
        peak_bytes=peak_bytes(program),
        order=program.order,
        xla_order_bytes=program.xla_order_bytes,
    )


def golden_file_name(signature: str) -> str:
    """Name of a signature's file in the artifact's folder ``golden``."""
    safe = "".join(c if c.isalnum() or c in "_-." else "_" for c in signature)
    return f"{safe}.npz"


def describe_programs(parts: Parts) -> str:
    """A listing of every program, for people.

    Variants of one signature and batch size differ by CPU level only in the code of
    their kernels, so the listing is made for the best level.
    """
    best = parts.levels[-1]
    texts = []
    for program in (p for p in parts.programs if p.key.level == best):
        signature = parts.interface.signatures[program.key.signature]
        size = (
            f", batch size {program.key.batch_size}" if program.key.batch_size else ""
        )
        lines = [
            f"signature {signature.name}{size}",
            f"  {program.temp_bytes:,} bytes between steps; XLA's own plan has "
            f"{program.xla_temp_bytes:,}",
            f"  order: {program.order}; in XLA's, {program.xla_order_bytes:,} bytes",
        ]
        lines += _listing(program.steps, program, 1)
        texts.append("\n".join(lines))
    return "\n\n".join(texts) + "\n"


def _listing(steps: Sequence[Step], program: Program, depth: int) -> list[str]:
    lines = []
    for step in steps:
        places = ", ".join(
            _place(program, s.allocation, s.offset, s.size) for s in slices(step)
        )
        lines.append(f"{'  ' * depth}{kind(step):<21}{step.source}")
        lines.append(f"{'  ' * depth}{'':<21}{places}")
        for nested in children(step):
            lines += _listing(nested, program, depth + 1)
    return lines


def _place(program: Program, index: int, offset: int, size: int) -> str:
    allocation = program.allocations[index]
    if allocation.kind in ("input", "output"):
        return f"{allocation.kind}{allocation.position}[{size}]"
    if allocation.kind == "constant":
        return f"{program.constants[index].shape}"
    return f"temp+{program.temp_offsets[index] + offset}[{size}]"


def _tensor(
    graph: FrozenGraph, name: str, dtype: str, shape: tuple[int, ...], taken: set[str]
) -> Tensor:
    if not supported_dtype(dtype):
        raise CompileError(
            f"signature {graph.signature!r}: tensor {name!r} is of type {dtype}, which "
            "cannot be passed to compiled code"
        )
    return Tensor(name, c_identifier(name, taken), dtype, shape)


def _output_shapes(
    graph: FrozenGraph, programs: Sequence[Program]
) -> list[tuple[int, ...]]:
    """Shapes of the outputs, with BATCH where all variants agree that it is."""
    shapes = []
    for position, output in enumerate(graph.outputs):
        seen = {p.key.batch_size: p.output_shapes[position].dims for p in programs}
        shapes.append(_output_shape(graph, output.name, output.shape, seen))
    return shapes


def _output_shape(
    graph: FrozenGraph,
    name: str,
    declared: tuple[int, ...] | None,
    seen: dict[int, tuple[int, ...]],
) -> tuple[int, ...]:
    first = next(iter(seen.values()))
    if not graph.has_batch:
        return first
    leading = all(dims[:1] == (size,) for size, dims in seen.items())
    tails = {dims[1:] for dims in seen.values()}
    fixed = len(set(seen.values())) == 1
    # With one batch size, only the declared shape tells a batch from a coincidence.
    declared_fixed = declared is not None and BATCH not in declared
    if leading and len(tails) == 1 and not (fixed and declared_fixed):
        return (BATCH, *first[1:])
    if fixed:
        return first
    listed = ", ".join(f"{list(dims)} at {size}" for size, dims in seen.items())
    raise CompileError(
        f"signature {graph.signature!r}: the shape of output {name!r} depends on the "
        f"batch size other than in its first dimension ({listed}); compile it for a "
        "single batch size"
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
