# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the rows of a data set by a Spark job: the same files as one process does.

Executors make tf.Examples of the rows, and bring those of a file together, in order;
then each file is written by one of them. They need NumPy and tfnative, no TensorFlow.
What else they run, this package, goes to them with the job.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import training
from training.data import index, remote
from training.data.records import examples
from training.data.spec import Arrays, Source
from training.data.write import put_shard, shard_count, shard_name
from training.errors import DataError

CHUNK_ROWS = 1_000
"""Rows that are sent to an executor at once."""
JAVA = "as root: apt-get install default-jre-headless; or leave out --with spark"
Chunk = tuple[range, Arrays]


def write_part(
    source: Source, rows: Arrays, folder: str, part: str, shards: int
) -> tuple[index.Shard, ...]:
    """Does what `training.data.write.write_part` does, as a job of Spark's.

    It uses the session that there is, or begins one, for which ``spark-submit`` and
    Spark's own configuration count.

    Raises:
        DataError: Spark or Java is missing; the job fails; or the folder is not one
            that all machines share.
    """
    shards = shard_count(rows, shards)
    with _context() as context, _shipped(context):
        encoded = context.parallelize(*_chunks(rows)).flatMap(
            partial(_encoded, source.features, source.task)
        )
        try:
            # Sorted while it is shuffled, on disk if memory is short.
            written = (
                encoded.repartitionAndSortWithinPartitions(shards, int)
                .mapPartitionsWithIndex(partial(_written, folder, part, shards))
                .collect()
            )
        except Exception as error:  # Spark's own, of Java and of Python.
            raise DataError(
                f"Spark cannot write the data ({_reason(error)}): mend that, and "
                "start the job again"
            ) from error
    found = tuple(sorted(written, key=lambda shard: shard.file))
    _check_shared(folder, found)
    return found


def _chunks(rows: Arrays) -> tuple[list[Chunk], int]:
    """Rows with their numbers, and how many such chunks there are."""
    chunks = []
    for start in range(0, rows.rows, CHUNK_ROWS):
        numbers = range(start, min(start + CHUNK_ROWS, rows.rows))
        some = slice(numbers.start, numbers.stop)
        features = {name: values[some] for name, values in rows.features.items()}
        chunks.append((numbers, Arrays(features, rows.labels[some])))
    return chunks, len(chunks)


def _encoded(features: Any, task: str, chunk: Chunk) -> Iterator[tuple[int, bytes]]:
    numbers, rows = chunk
    return zip(numbers, examples(features, task, rows, range(rows.rows)), strict=True)


def _written(
    folder: str,
    part: str,
    shards: int,
    shard: int,
    numbered: Iterator[tuple[int, bytes]],
) -> Iterator[index.Shard]:
    records = (record for _, record in numbered)
    try:
        yield put_shard(folder, shard_name(part, shard, shards), records)
    except OSError as error:
        raise DataError(
            f"{folder}: {error.strerror or error}; all machines of the cluster must "
            "be able to write to it"
        ) from error


def _check_shared(folder: str, shards: tuple[index.Shard, ...]) -> None:
    """A folder of each executor's own disk would be complete nowhere."""
    if remote.is_remote(folder):
        return
    for shard in shards:
        path = Path(folder) / shard.file
        if not path.is_file() or path.stat().st_size != shard.bytes:
            raise DataError(
                f"an executor has written {path}, which is not to be seen here: choose "
                "a --data-folder that all machines of the cluster share, or s3://, "
                "gs:// or hdfs://"
            )


def check_there() -> None:
    """Raises DataError, if Spark or Java is missing."""
    if importlib.util.find_spec("pyspark") is None:
        raise DataError('there is no Spark: pip install "tfnative[spark]"')
    home = os.environ.get("JAVA_HOME")
    java = Path(home) / "bin" / "java" if home else shutil.which("java")
    if java is None or not Path(java).is_file():
        raise DataError(
            f"Spark needs Java 17 or later, and {java} is not there: {JAVA}"
        )


@contextlib.contextmanager
def _context() -> Iterator[Any]:
    """Spark's context; one that was begun here also ends here."""
    check_there()
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

    running = SparkContext._active_spark_context
    if running is not None:
        yield running
        return
    try:
        if SparkConf().get("spark.master", "local").startswith("local"):
            # The executors are on this machine, and have what this process has.
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        session = SparkSession.builder.appName("tfnative data").getOrCreate()
    except Exception as error:
        raise DataError(f"Spark does not start ({_reason(error)})") from error
    try:
        yield session.sparkContext
    finally:
        session.stop()


@contextlib.contextmanager
def _shipped(context: Any) -> Iterator[None]:
    """Lets executors import this package, wherever they run."""
    root = Path(training.__file__).parent
    with tempfile.TemporaryDirectory(prefix="tfnative-") as folder:
        archive = Path(folder) / "training.zip"
        with zipfile.ZipFile(archive, "w") as file:
            for path in sorted(root.glob("*.py")) + sorted(root.glob("data/**/*.py")):
                file.write(path, path.relative_to(root.parent))
        context.addPyFile(str(archive))
        yield


def _reason(error: Exception) -> str:
    """The one line that matters of what Java and Python say."""
    said = str(error).split("\n\tat ", 1)[0]
    lines = [line.strip() for line in said.splitlines()]
    lines = [line for line in lines if line and not line.startswith("SQLSTATE")]
    last = lines[-1] if lines else type(error).__name__
    if last.startswith("ModuleNotFoundError"):
        last += (
            "; executors need NumPy and tfnative: install them there, or name the "
            "Python that has them with PYSPARK_PYTHON"
        )
    return last.removeprefix(f"{DataError.__module__}.{DataError.__qualname__}: ")
