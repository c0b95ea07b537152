# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Ways to score files, each in a process of its own.

python -m benchmarks.scoring.ways WAY SAVED_MODEL MODEL ROWS OUTPUT THREADS

prints the seconds from the first row that is read to the last that is written, with the
model loaded and the cluster there, and the most memory that the process had.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet

import tfnative
from benchmarks import contestants
from benchmarks.worker import RESULT

BATCH = 4096
"""Rows of a call in plain loops, and of ``predict`` alone."""


class Job(NamedTuple):
    """What is scored.

    Attributes:
        model: As a contestant has prepared it, or the compiled one.
        compiled: The compiled one.
        rows: A folder of Parquet files.
        output: A folder that is not there.
        threads: Of what predicts.
    """

    model: Path
    compiled: Path
    rows: Path
    output: Path
    threads: int


def predict(job: Job) -> float:
    """``predict`` alone, of rows that are arrays already: what no job can be above."""
    with tfnative.load(job.compiled, threads=job.threads) as model:
        batches = [inputs for _, inputs in _batches(job, model.signature())]
        model.predict(batches[0])
        begin = time.perf_counter()
        for inputs in batches:
            model.predict(inputs)
        return time.perf_counter() - begin


def score(job: Job) -> float:
    """``tfnative score``, which takes its own time."""
    return _scored(job, "local")


def ray(job: Job) -> float:
    """``tfnative score --engine ray``, on a cluster of this machine."""
    import ray

    ray.init(num_cpus=job.threads, log_to_driver=False, logging_level="error")
    return _scored(job, "ray")


def spark(job: Job) -> float:
    """``tfnative score --engine spark``, on a cluster of this machine."""
    import os

    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    master = f"local-cluster[{job.threads},1,1024]"
    builder = SparkSession.builder.master(master).config("spark.ui.enabled", "false")
    builder.config("spark.ui.showConsoleProgress", "false").getOrCreate()
    return _scored(job, "spark")


def _scored(job: Job, engine: Any) -> float:
    begin = time.perf_counter()
    tfnative.score(
        job.compiled,
        str(job.rows / "*.parquet"),
        job.output,
        keep=["id"],
        engine=engine,
        rows_per_part=250_000,
    )
    return time.perf_counter() - begin


def _loop_with(contestant: str) -> Callable[[Job], float]:
    """A plain loop: reads a batch, predicts it, writes it."""

    def loop(job: Job) -> float:
        call = contestants.find(contestant).load(job.model, job.threads)
        with tfnative.load(job.compiled) as model:
            signature = model.signature()
        batches = _batches(job, signature)
        call(next(batches)[1])
        job.output.mkdir(parents=True)
        begin = time.perf_counter()
        writer = None
        for ids, inputs in _batches(job, signature):
            columns = {"id": ids}
            for name, array in call(inputs).items():
                flat = pa.array(np.ascontiguousarray(array).reshape(-1))
                size = array.size // len(array)
                columns[name] = pa.FixedSizeListArray.from_arrays(flat, size)
            batch = pa.RecordBatch.from_pydict(columns)
            writer = writer or pyarrow.parquet.ParquetWriter(
                job.output / "scored.parquet", batch.schema, compression="zstd"
            )
            writer.write_batch(batch)
        if writer is not None:
            writer.close()
        return time.perf_counter() - begin

    return loop


def _batches(job: Job, signature: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
    for path in sorted(job.rows.iterdir()):
        for batch in pyarrow.parquet.ParquetFile(path).iter_batches(BATCH):
            inputs = {
                name: batch[name].flatten().to_numpy().reshape(-1, *spec.shape[1:])
                for name, spec in signature.inputs.items()
            }
            yield batch["id"], inputs


WAYS: dict[str, Callable[[Job], float]] = {
    "predict": predict,
    "score": score,
    "loop": _loop_with("tfnative"),
    "tensorflow": _loop_with("tensorflow"),
    "onnxruntime": _loop_with("ort"),
    "ray": ray,
    "spark": spark,
}


def main(
    way: str, model: str, compiled: str, rows: str, output: str, threads: str
) -> None:
    """Scores once."""
    job = Job(Path(model), Path(compiled), Path(rows), Path(output), int(threads))
    shutil.rmtree(job.output, ignore_errors=True)
    seconds = WAYS[way](job)
    # What getrusage says begins with the memory of the process that started this one.
    (line,) = (
        line
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmHWM:")
    )
    peak = int(line.split()[1]) << 10
    print(RESULT + json.dumps({"seconds": seconds, "peak_bytes": peak}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
