# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Runs tfcompile: a frozen graph, a batch size and a CPU level to object code.

Each variant is compiled in a child process of its own: XLA reads its flags once
per process, and a failed CHECK in XLA aborts the process it happens in.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tfnative.errors import CompileError
from tfnative_aot import adapters
from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.load.source import BATCH
from tfnative_aot.machines import object_file
from tfnative_aot.machines.cpu_levels import VariantKey
from tfnative_aot.machines.targets import Target

_LAST_LINES = 20


@dataclass(frozen=True)
class CompiledVariant:
    """What tfcompile made of one variant.

    Attributes:
        key: Which variant.
        object_file: Path of the object file with XLA's kernels.
        result: Serialised xla.cpu.CompilationResultProto.
        parameter_allocations: Buffer allocation of each graph input, in order.
        result_allocations: Buffer allocation of each graph output, in order.
    """

    key: VariantKey
    object_file: Path
    result: bytes
    parameter_allocations: tuple[int, ...]
    result_allocations: tuple[int, ...]


def write_graph(graph: FrozenGraph, folder: Path) -> Path:
    """Writes the graph where the child processes of its variants read it."""
    path = folder / f"{re.sub('[^A-Za-z0-9_]', '_', graph.signature)}.pb"
    path.write_bytes(graph.graph_def.SerializeToString(deterministic=True))
    return path


def tfcompile(
    graph: FrozenGraph,
    graph_path: Path,
    key: VariantKey,
    target: Target,
    symbol: str,
    folder: Path,
) -> CompiledVariant:
    """Compiles one variant in a child process.

    Args:
        graph: The signature.
        graph_path: What ``write_graph`` returned for it.
        key: Batch size and CPU level.
        target: What it is compiled for.
        symbol: C identifier that goes into the name of each of its functions.
        folder: An empty folder for the files of this variant. Created.

    Raises:
        CompileError: TensorFlow refused the graph or crashed on it; the message
            has the last lines that it printed.
    """
    folder.mkdir(parents=True)
    config = folder / "config.pbtxt"
    config.write_text(_config(graph, key.batch_size))
    outputs = {
        "out_function_object": folder / "kernels.o",
        "out_metadata_object": folder / "metadata.o",
        "out_header": folder / "header.h",
        "out_constant_buffers_object": folder / "constants.o",
    }
    job = {
        "graph": graph_path,
        "config": config,
        "target_triple": target.triple,
        "target_cpu": key.level.llvm_cpu,
        "target_features": key.level.llvm_features,
        "entry_point": symbol,
        "cpp_class": symbol,
        **outputs,
    }
    job_path = folder / "job.json"
    job_path.write_text(json.dumps(job, default=str))
    _run_child(job_path, graph.signature, key)
    header = outputs["out_header"].read_text()
    return CompiledVariant(
        key=key,
        object_file=outputs["out_function_object"],
        result=object_file.read_symbol(
            outputs["out_metadata_object"], adapters.xla().PROGRAM_SYMBOL
        ),
        parameter_allocations=_index_table(header, "ArgIndexToBufferIndex"),
        result_allocations=_index_table(header, "ResultIndexToBufferIndex"),
    )


def _run_child(job_path: Path, signature: str, key: VariantKey) -> None:
    script = adapters.xla().__file__
    assert script is not None
    child = subprocess.run(
        [sys.executable, script, str(job_path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if child.returncode == 0:
        return
    if child.returncode < 0:
        how = f"crashed with {signal.Signals(-child.returncode).name}"
    else:
        how = f"failed with exit code {child.returncode}"
    lines = child.stdout.decode(errors="replace").strip().splitlines()
    raise CompileError(
        f"signature {signature!r}, batch size {key.batch_size}, CPU level "
        f"{key.level.name}: tfcompile {how}. Its last lines:\n"
        + "\n".join(f"  {line}" for line in lines[-_LAST_LINES:])
    )


def _config(graph: FrozenGraph, batch_size: int) -> str:
    """The text of a tensorflow.tf2xla.Config with fixed shapes."""
    feeds = [
        f'feed {{ {_tensor_id(i.tensor)} name: "in{n}" '
        f"shape {{ {_dims(i.shape or (), batch_size)} }} }}"
        for n, i in enumerate(graph.inputs)
    ]
    fetches = [
        f'fetch {{ {_tensor_id(o.tensor)} name: "out{n}" }}'
        for n, o in enumerate(graph.outputs)
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
