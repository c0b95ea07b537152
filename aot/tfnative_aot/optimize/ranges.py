# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Freezes the ranges that a quantized graph computes anew at each run.

The tool's own way takes three steps: insert_logging lets the graph print its ranges,
somebody runs it on data that are like those to come and keeps what it prints, and
freeze_requantization_ranges reads that.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative._optimize.transforms import Transform
from tfnative.errors import CompileError
from tfnative_aot.load.source import Arrays, node_of
from tfnative_aot.machines.process_end import describe_end, last_lines

if TYPE_CHECKING:
    from tfnative_aot.optimize.graph import WholeGraph
    from tfnative_aot.optimize.tool import Tool

FILE = "min_max_log_file"
_RANGE = "RequantizationRange"
_MESSAGE = "__requant_min_max:"
_LOGGING = Transform(
    "insert_logging",
    (("op", _RANGE), ("show_name", "true"), ("message", _MESSAGE)),
)
_WORKER = "tfnative_aot.optimize.ranges_worker"


@dataclass(frozen=True)
class Calibration:
    """What a graph is run on to see its ranges.

    Attributes:
        samples: By signature, batches of its inputs.
        assets: Folder of the files that it reads when it is initialised.
    """

    samples: Mapping[str, Sequence[Arrays]]
    assets: Path


def freeze_ranges(
    graph: WholeGraph, step: Transform, tool: Tool, data: Calibration
) -> GraphDef:
    """The graph with ranges that are constants.

    Raises:
        CompileError: The tool fails, or the graph does when it runs; or it has no
            ranges.
    """
    if not any(node.op == _RANGE for node in graph.graph_def.node):
        raise CompileError(
            f"{step}: the graph computes no ranges; quantize_nodes makes some"
        )
    ends = graph.inputs, graph.outputs
    if step.value(FILE) is not None:
        return tool.transform(graph.graph_def, *ends, str(step))
    logging = tool.transform(graph.graph_def, *ends, str(_LOGGING))
    with tempfile.TemporaryDirectory(prefix="tfnative-") as folder:
        log = _log(graph.with_graph(logging), data, Path(folder))
        frozen = Transform(step.name, (*step.parameters, (FILE, str(log))))
        return tool.transform(graph.graph_def, *ends, str(frozen))


def _log(graph: WholeGraph, data: Calibration, folder: Path) -> Path:
    """Runs a graph in a process of its own; returns the file with what it printed."""
    job, log = folder / "job.json", folder / "ranges.log"
    (folder / "graph.pb").write_bytes(graph.runnable().SerializeToString())
    content = {
        "graph": str(folder / "graph.pb"),
        "initializer": graph.initializer.target,
        "assets": {
            asset.tensor_info.name: str(data.assets / asset.filename)
            for asset in graph.initializer.assets
        },
        "runs": _runs(graph, data, folder),
    }
    job.write_text(json.dumps(content))
    with log.open("wb") as printed:
        done = subprocess.run(
            [sys.executable, "-m", _WORKER, str(job)],
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=printed,
            check=False,
        )
    if done.returncode:
        text = log.read_text(errors="replace")
        raise CompileError(
            f"logging ranges {describe_end(done.returncode)}. Its last lines:\n"
            f"{last_lines(text)}"
        )
    return log


def _runs(graph: WholeGraph, data: Calibration, folder: Path) -> list[object]:
    runs: list[object] = []
    for ends in graph.ends:
        for batch in data.samples[ends.signature.name]:
            feeds = GraphDef()
            for name, tensor in ends.inputs.items():
                node = feeds.node.add(name=node_of(tensor), op="Const")
                value = tf.make_tensor_proto(batch[name])
                node.attr["value"].tensor.CopyFrom(value)
            path = folder / f"feeds_{len(runs)}.pb"
            path.write_bytes(feeds.SerializeToString())
            runs.append({"feeds": str(path), "fetches": list(ends.outputs.values())})
    return runs
