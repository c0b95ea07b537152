# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Runs tfcompile: a frozen graph, a batch size and a CPU level to object code.

Each variant is compiled in a process of its own: a failed CHECK in XLA aborts the
process it happens in. They are forks of one that has loaded tfcompile.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tfnative_aot import adapters
from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.freeze.offender import Offender, refuse
from tfnative_aot.load.source import BATCH
from tfnative_aot.machines import object_file
from tfnative_aot.machines.cpu_levels import VariantKey, batch_text
from tfnative_aot.machines.targets import Target
from tfnative_aot.xla.explain import offender_of, refuse_failed
from tfnative_aot.xla.failure import Failure, read_failure
from tfnative_aot.xla.fold_operand import fold_operand, guess_operand
from tfnative_aot.xla.own_kernels import has_own_kernels, with_own_kernels
from tfnative_aot.xla.processes import ForkServer
from tfnative_aot.xla.quantized import with_quantized_calls

_MOST_OPERANDS = 20


@dataclass(frozen=True)
class CompiledVariant:
    """What tfcompile made of one variant.

    Attributes:
        key: Which variant.
        object_file: Path of the object file with XLA's kernels.
        result: Serialised xla.cpu.CompilationResultProto.
        parameter_allocations: Buffer allocation of each graph input, in order.
        result_allocations: Buffer allocation of each graph output, in order, and then
            of the tensor that says which checks failed, if there are checks.
        check_values: How many values each check of the graph has, in order.
    """

    key: VariantKey
    object_file: Path
    result: bytes
    parameter_allocations: tuple[int, ...]
    result_allocations: tuple[int, ...]
    check_values: tuple[int, ...]


def write_graph(graph: FrozenGraph, folder: Path, rows: int) -> Path:
    """Writes the graph where a child process reads it.

    Args:
        graph: The signature.
        folder: Where to.
        rows: Batch size.

    Raises:
        CompileError: What has to be known of ops that our kernels compute is not.
    """
    return write_graphs(graph, folder, [rows])[rows]


def write_graphs(
    graph: FrozenGraph, folder: Path, sizes: Sequence[int]
) -> dict[int, Path]:
    """The same for several batch sizes: one file, unless there are such ops.

    Raises:
        CompileError: As ``write_graph``.
    """
    name = re.sub("[^A-Za-z0-9_]", "_", graph.signature)
    if not graph.calls and not has_own_kernels(graph.graph_def):
        path = _write(graph, folder / f"{name}.pb")
        return dict.fromkeys(sizes, path)
    return {
        rows: _write(_with_kernels(graph, rows), folder / f"{name}_{rows}_rows.pb")
        for rows in sizes
    }


def _with_kernels(graph: FrozenGraph, rows: int) -> FrozenGraph:
    return with_quantized_calls(with_own_kernels(graph, rows), rows)


def _write(graph: FrozenGraph, path: Path) -> Path:
    path.write_bytes(graph.graph_def.SerializeToString(deterministic=True))
    return path


def start_server() -> ForkServer:
    """Begins to load tfcompile, in the process that will fork for each variant.

    Raises:
        FailedPreconditionError: TensorFlow is missing or not a supported version.
    """
    script = adapters.xla().__file__
    assert script is not None
    return ForkServer(script)


def tfcompile(
    graph: FrozenGraph,
    graph_path: Path,
    key: VariantKey,
    target: Target,
    symbol: str,
    folder: Path,
    server: ForkServer,
    dump: Path | None = None,
) -> CompiledVariant:
    """Compiles one variant, in a process of its own.

    Args:
        graph: The signature.
        graph_path: What ``write_graph`` returned for it.
        key: Batch size and CPU level.
        target: What it is compiled for.
        symbol: C identifier that goes into the name of each of its functions.
        folder: An empty folder for the files of this variant. Created.
        server: What ``start_server`` returned.
        dump: A folder for XLA's programs, or None; see ``read_dumped``.

    Raises:
        CompileError: TensorFlow refused the graph or crashed on it; the message
            names the node, or has the last lines that it printed.
    """
    job = _job(graph, graph_path, key.batch_size, folder, has_checks=bool(graph.checks))
    job |= {
        "target_triple": target.triple,
        "target_cpu": key.level.llvm_cpu,
        "target_features": key.level.llvm_features,
        "entry_point": symbol,
        "cpp_class": symbol,
    }
    if dump is not None:
        job |= {"dump": str(dump), "dump_text": "yes"}
    where = f"{batch_text(key.batch_size)}, CPU level {key.level.name}"
    what = f"signature {graph.signature!r}, {where}"
    _run(server, graph, job, key.batch_size, what)
    header = Path(job["out_header"]).read_text()
    return CompiledVariant(
        key=key,
        object_file=Path(job["out_function_object"]),
        result=object_file.read_symbol(
            Path(job["out_metadata_object"]), adapters.xla().PROGRAM_SYMBOL
        ),
        parameter_allocations=_index_table(header, "ArgIndexToBufferIndex"),
        result_allocations=_index_table(header, "ResultIndexToBufferIndex"),
        check_values=tuple(check.value_count for check in graph.checks),
    )


def dumped_program(
    graph: FrozenGraph, rows: int, folder: Path, server: ForkServer
) -> bytes:
    """What XLA is given to compile a signature, as a serialised xla.HloProto.

    Without its checks, which mix rows: they say which one is the first bad one.

    Args:
        graph: The signature.
        rows: Batch size.
        folder: An empty folder. Created.
        server: What ``start_server`` returned.

    Raises:
        CompileError: As ``tfcompile``.
    """
    folder.mkdir(parents=True)
    job = _job(graph, write_graph(graph, folder, rows), rows, folder, has_checks=False)
    job |= {"entry_point": "dumped", "cpp_class": "dumped", "dump": str(folder)}
    job |= {
        "target_triple": "x86_64-none-linux",
        "target_cpu": "",
        "target_features": "",
    }
    _run(server, graph, job, rows, f"signature {graph.signature!r}, {rows} rows")
    return _largest(folder, adapters.xla().DUMPED).read_bytes()


@dataclass(frozen=True)
class DumpedProgram:
    """A program of XLA's: as text, and as a serialised xla.HloProto."""

    text: str
    message: bytes


def read_dumped(folder: Path) -> dict[str, DumpedProgram]:
    """What ``tfcompile`` has left in its folder ``dump``: "before" and "after"."""
    stages: dict[str, str] = adapters.xla().STAGES
    return {
        stage: DumpedProgram(
            _largest(folder, f"{pattern}.txt").read_text(errors="replace"),
            _largest(folder, f"{pattern}.hlo.pb").read_bytes(),
        )
        for stage, pattern in stages.items()
    }


def _largest(folder: Path, pattern: str) -> Path:
    """What XLA evaluates by itself on the way is smaller."""
    return max(folder.glob(pattern), key=lambda path: path.stat().st_size)


def _job(
    graph: FrozenGraph, graph_path: Path, rows: int, folder: Path, *, has_checks: bool
) -> dict[str, str]:
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "config.pbtxt"
    config.write_text(_config(graph, rows, has_checks=has_checks))
    return {
        "graph": str(graph_path),
        "config": str(config),
        "out_function_object": str(folder / "kernels.o"),
        "out_metadata_object": str(folder / "metadata.o"),
        "out_header": str(folder / "header.h"),
        "out_constant_buffers_object": str(folder / "constants.o"),
    }


def _run(
    server: ForkServer, graph: FrozenGraph, job: dict[str, str], rows: int, what: str
) -> None:
    folder = Path(job["config"]).parent
    job_path, output = folder / "job.json", folder / "output.txt"
    unknown: list[Offender] = []
    while True:
        job_path.write_text(json.dumps(job))
        code = server.run(job_path, output)
        if code == 0:
            break
        said = output.read_text(errors="replace")
        changed = _with_operand(graph, rows, code, read_failure(said), unknown)
        if changed is None and not unknown:
            refuse_failed(graph, rows, what, code, said)
        if changed is None:
            break
        graph = changed
        job["graph"] = str(write_graph(graph, folder, rows))
    refuse(graph.signature, unknown)


def _with_operand(
    graph: FrozenGraph, rows: int, code: int, failure: Failure, unknown: list[Offender]
) -> FrozenGraph | None:
    """The graph with a value for the operand that XLA misses, if it does.

    If that is a guess, to see what else XLA misses, the node is added to ``unknown``.
    """
    if code != 1 or failure.operand is None:
        return None
    known = fold_operand(graph, rows, failure)
    if known is not None:
        return known
    offender = offender_of(graph, failure)
    if offender is None or len(unknown) == _MOST_OPERANDS:
        return None
    unknown.append(offender)
    return guess_operand(graph, rows, failure)


def _config(graph: FrozenGraph, batch_size: int, *, has_checks: bool) -> str:
    """The text of a tensorflow.tf2xla.Config with fixed shapes."""
    results = [output.tensor for output in graph.outputs]
    if has_checks:
        results.append(graph.check_tensor)
    feeds = [
        f'feed {{ {_tensor_id(i.tensor)} name: "in{n}" '
        f"shape {{ {_dims(i.shape or (), batch_size)} }} }}"
        for n, i in enumerate(graph.inputs)
    ]
    fetches = [
        f'fetch {{ {_tensor_id(tensor)} name: "out{n}" }}'
        for n, tensor in enumerate(results)
    ]
    return "\n".join(feeds + fetches) + "\n"


def _tensor_id(tensor: str) -> str:
    node, _, index = tensor.partition(":")
    return f'id {{ node_name: "{node}" output_index: {index or 0} }}'


def _dims(shape: Sequence[int], batch_size: int) -> str:
    sizes = (batch_size if size == BATCH else size for size in shape)
    return " ".join(f"dim {{ size: {size} }}" for size in sizes)


def _index_table(header: str, function: str) -> tuple[int, ...]:
    """Reads one of the two tables that only the generated C++ header has."""
    match = re.search(
        rf"{function}\(\) \{{.*?= \{{(?P<numbers>[^}}]*)\}};", header, re.DOTALL
    )
    if match is None:
        # A function without arguments has no table.
        return ()
    return tuple(
        int(number) for number in match["numbers"].split(",") if number.strip()
    )
