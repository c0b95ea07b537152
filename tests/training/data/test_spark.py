# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Data that Spark writes: real jobs, with two executor threads and their processes."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.training.data.kinds import all_kinds
from tests.training.data.spark_program import ROWS
from training.cli.main import main
from training.data import open_data
from training.data.index import Shard
from training.data.spark import _check_shared, _reason
from training.data.write import write
from training.errors import DataError

ROOT = Path(__file__).parents[3]
SECONDS = 300
"""More than any job takes on a machine that does much else."""

needs_spark = pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None or shutil.which("java") is None,
    reason="needs Java 17 and the extra spark: make test-training",
)


@pytest.fixture
def environment(s3: str) -> dict[str, str]:
    """Of a process that runs Spark on this machine."""
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYSPARK_SUBMIT_ARGS": "--master local[2] --conf spark.ui.enabled=false "
        "pyspark-shell",
    }


@contextlib.contextmanager
def program(environment: dict[str, str], *words: str) -> Iterator[subprocess.Popen]:
    command = [sys.executable, "-m", "tests.training.data.spark_program", *words]
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@needs_spark
@pytest.mark.slow
def test_a_job_that_is_killed_leaves_nothing_whole_and_the_next_writes_the_same_bytes(
    environment: dict[str, str], tmp_path: Path
):
    import fsspec

    folder, plain = tmp_path / "data", tmp_path / "plain"
    with program(environment, "many", str(folder)) as process:
        end = time.monotonic() + SECONDS
        while not list(tmp_path.glob(".data-*/train-*.tfrecord")):
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < end
            time.sleep(0.002)
        process.kill()
        process.wait()
        assert not folder.exists()
        assert list(tmp_path.glob(".data-*"))
    fsspec.filesystem("s3").mkdir("spark")
    address = "s3://spark/data"
    environment["PYSPARK_PYTHON"] = sys.executable  # Their session has begun before.
    with program(environment, "all", str(folder), address) as process:
        said, _ = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, said
    write("digits", all_kinds(ROWS), plain, shards=4)
    assert content(folder) == content(plain)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "plain"]
    system = fsspec.filesystem("s3")
    system.invalidate_cache()
    there = {Path(path).name: path for path in system.ls("spark/data")}
    assert {name: system.cat(path) for name, path in there.items()} == content(plain)
    (refused,) = (line for line in said.splitlines() if line.startswith("refused: "))
    assert "No such file or directory" in refused
    assert "all machines of the cluster" in refused


@needs_spark
@pytest.mark.slow
def test_spark_submit_writes_a_set_by_its_name(
    environment: dict[str, str], data_root: Path, tmp_path: Path
):
    import pyspark

    done = subprocess.run(
        [
            *(Path(pyspark.__file__).parent / "bin" / "spark-submit", "--master"),
            *("local[2]", "--conf", "spark.ui.enabled=false"),
            *(ROOT / "training" / "data" / "spark_job.py", "breast_cancer"),
            *("--data-folder", tmp_path / "data"),
        ],
        env={
            **{k: v for k, v in environment.items() if not k.startswith("PYTHONPATH")},
            "PYSPARK_PYTHON": sys.executable,
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "train: 455 rows in 2 files" in done.stdout
    plain = open_data("breast_cancer", data_root / "breast_cancer")
    assert content(tmp_path / "data") == content(plain.folder)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            "An error occurred while calling o1.collect.\n: PythonException: Traceback "
            "(most recent call last):\n  File x\ntraining.errors.DataError: /d: No "
            "space left on device\n SQLSTATE: 38000\n\tat org.apache.spark\n\tat x",
            "/d: No space left on device",
        ),
        ("Traceback:\nModuleNotFoundError: No module named 'x'\n", "PYSPARK_PYTHON"),
        ("", "RuntimeError"),
    ],
    ids=["of Java", "of Python", "nothing"],
)
def test_one_line_is_made_of_what_java_and_python_say(said: str, reason: str):
    found = _reason(RuntimeError(said))
    assert reason in found
    assert "\n" not in found
    assert not found.startswith("training.")
    assert "SQLSTATE" not in found


def test_a_folder_that_machines_do_not_share_is_noticed(tmp_path: Path):
    shard = Shard("train-00000-of-00001.tfrecord", 1, 100, "")
    with pytest.raises(DataError, match="share, or s3://"):
        _check_shared(str(tmp_path), (shard,))


def test_without_spark_or_java_a_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from training.data import spark

    source = all_kinds()
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec",
        lambda name, *rest: None if name == "pyspark" else found(name, *rest),
    )
    with pytest.raises(DataError, match=r'pip install "tfnative\[spark\]"'):
        write("digits", source, tmp_path / "d", shards=2, writer=spark.write_part)
    monkeypatch.setattr("importlib.util.find_spec", lambda *names: True)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(DataError, match="apt-get install default-jre-headless"):
        write("digits", source, tmp_path / "d", shards=2, writer=spark.write_part)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", ["data", "memory://spark-is-missing/data"])
def test_what_spark_needs_is_checked_before_the_rows_are_read(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec",
        lambda name, *more: None if name == "pyspark" else found(name, *more),
    )
    read = []
    monkeypatch.setattr("training.data.open.load_source", read.append)
    monkeypatch.chdir(tmp_path)
    words = ["data", "words", "--with", "spark", "--data-folder", folder]
    assert main(words) == 1
    assert "there is no Spark: pip install" in capsys.readouterr().err
    assert not read
    assert not (tmp_path / "data").exists()


def test_a_folder_that_cannot_be_written_is_said_before_the_rows_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    read = []
    monkeypatch.setattr("training.data.open.load_source", read.append)
    (tmp_path / "file").touch()
    words = ["data", "words", "--data-folder", str(tmp_path / "file" / "data")]
    assert main(words) == 1
    assert "file is no folder" in capsys.readouterr().err
    assert not read
