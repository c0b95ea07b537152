# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Files of rows in, parts out: every row once, whatever happens in between."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="needs pyarrow")

import pyarrow as pa
import pyarrow.parquet

import tfnative
from tests.python.score.files import (
    WRITERS,
    numbers,
    parts,
    scored,
    table,
    write_csv,
    write_parquet,
    write_tfrecord,
)
from tfnative import cli
from tfnative._base.tfrecord import read_records
from tfnative.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    UnimplementedError,
)


def score(model: Path, inputs: Any, output: Path, **options: Any) -> tfnative.Scored:
    return tfnative.score(model, inputs, output, signature="affine", **options)


def options_of(kind: str) -> dict[str, Any]:
    if kind == "csv":
        return {"columns": {"x": "x_*"}, "keep": ["id"]}
    return {} if kind == "tfrecord" else {"keep": ["id"]}


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("count", [0, 1, 40, 41, 205])
def test_every_row_is_scored_once(fake: Path, tmp_path: Path, kind: str, count: int):
    WRITERS[kind](tmp_path / f"a.{kind}", count)
    WRITERS[kind](tmp_path / f"b.{kind}", 3, first=count)
    report = score(
        fake,
        tmp_path / f"*.{kind}",
        tmp_path / "out",
        rows_per_part=20,
        **options_of(kind),
    )
    assert (report.rows, report.bad_rows, report.files) == (count + 3, 0, 2)
    assert report.parts == len(parts(tmp_path / "out")) == max(1, -(-count // 20)) + 1
    np.testing.assert_array_equal(scored(tmp_path / "out"), 2 * numbers(count + 3) + 1)
    whole = pa.parquet.read_table(tmp_path / "out")  # As others read such folders.
    assert whole.num_rows == count + 3
    if "id" in whole.column_names:
        assert list(map(int, whole["id"].to_pylist())) == list(range(count + 3))


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("lost", [0, 1, 4, 5])
def test_a_job_goes_on_where_it_was(fake: Path, tmp_path: Path, kind: str, lost: int):
    WRITERS[kind](tmp_path / f"a.{kind}", 95)
    options = {"rows_per_part": 20, **options_of(kind)}
    out = tmp_path / "out"
    score(fake, tmp_path / f"a.{kind}", out, **options)
    (out / "_SUCCESS").unlink()
    (out / "_tfnative" / "00000.json").unlink()
    for part in parts(out)[5 - lost :]:
        part.unlink()
    before = {part: part.stat().st_mtime_ns for part in parts(out)}
    report = score(fake, tmp_path / f"a.{kind}", out, **options)
    assert report.rows == 95
    np.testing.assert_array_equal(scored(out), 2 * numbers(95) + 1)
    # Where it is not known how many rows there are, more may follow the last that is
    # there.
    kept = [*before] if kind == "parquet" else [*before][:-1]
    for part in kept:
        assert part.stat().st_mtime_ns == before[part]
    assert report.parts_before == len(kept)


def test_what_is_done_is_not_done_again(fake: Path, tmp_path: Path):
    write_parquet(tmp_path / "a.parquet", 95)
    out = tmp_path / "out"
    first = score(fake, tmp_path / "a.parquet", out, rows_per_part=20)
    before = {part: part.stat().st_mtime_ns for part in parts(out)}
    second = score(fake, tmp_path / "a.parquet", out, rows_per_part=20)
    assert (second.rows, second.parts_before) == (first.rows, 5)
    assert {part: part.stat().st_mtime_ns for part in parts(out)} == before
    assert json.loads((out / "_SUCCESS").read_text())["rows"] == 95


def test_a_killed_job_loses_nothing_and_does_nothing_twice(fake: Path, tmp_path: Path):
    write_parquet(tmp_path / "a.parquet", 60_000)
    out = tmp_path / "out"
    command = [
        *(sys.executable, "-m", "tfnative", "score", "--model", fake),
        *("--signature", "affine", "--input", tmp_path / "a.parquet"),
        *("--output", out, "--rows-per-part", "40", "--keep", "id"),
    ]
    for most in (3, 30, 90):
        process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)
        while len(parts(out)) < most and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    # Nothing that is there is half a part.
    assert {len(pa.parquet.read_table(part)) for part in parts(out)} == {40}
    assert (
        cli.main([*map(str, command[3:-4]), "--keep", "id", "--rows-per-part", "40"])
        == 0
    )
    np.testing.assert_array_equal(scored(out), 2 * numbers(60_000) + 1)
    assert not [each for each in os.listdir(out) if each.startswith(".")]


def test_bad_rows_are_listed_and_the_others_scored(fake: Path, tmp_path: Path):
    rows = table(50).to_pylist()
    rows[3]["x"] = None
    rows[17]["x"] = [1.0, None, 2.0]
    rows[18]["x"] = [1.0]
    rows[49]["x"] = [1.0, 2.0, 1e300]
    lists = pa.array([row["x"] for row in rows], pa.list_(pa.float64()))
    given = pa.table({"id": [row["id"] for row in rows], "x": lists})
    pa.parquet.write_table(given, tmp_path / "a.parquet")
    out = tmp_path / "out"
    options = {"keep": ["id"], "rows_per_part": 20}
    # Parts are made side by side: either of two has a bad row, that between has none.
    with pytest.raises(InvalidArgumentError, match=r"row (3|49): .*--on-error skip"):
        score(fake, tmp_path / "a.parquet", tmp_path / "fails", **options)
    assert {part.name for part in parts(tmp_path / "fails")} <= {"00000-00001.parquet"}
    report = score(fake, tmp_path / "a.parquet", out, on_error="skip", **options)
    assert (report.rows, report.bad_rows) == (46, 4)
    found = pa.parquet.read_table(out)["id"].to_pylist()
    assert found == [each for each in range(50) if each not in (3, 17, 18, 49)]
    bad = [
        json.loads(line)
        for file in sorted((out / "_bad_rows").iterdir())
        for line in file.read_text().splitlines()
    ]
    assert [each["row"] for each in bad] == [3, 17, 18, 49]
    assert [each["kept"] for each in bad] == [{"id": each["row"]} for each in bad]
    assert {each["column"] for each in bad} == {"x"}
    assert "is null" in bad[0]["reason"]
    again = score(fake, tmp_path / "a.parquet", out, on_error="skip", **options)
    assert (again.rows, again.bad_rows) == (46, 4)


def test_lines_of_another_form_are_bad_rows(fake: Path, tmp_path: Path):
    write_csv(tmp_path / "a.csv", 30)
    lines = (tmp_path / "a.csv").read_text().splitlines()
    lines[1] = "1,2"
    lines[5] = lines[5].replace('"', "").rpartition(",")[0] + ",many"
    lines[12] = "1,2,3,4,5"
    lines[30] = "7"
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    out = tmp_path / "out"
    options = {**options_of("csv"), "on_error": "skip", "rows_per_part": 8}
    report = score(fake, tmp_path / "a.csv", out, **options)
    assert (report.rows, report.bad_rows) == (26, 4)
    bad = [
        json.loads(line)["row"]
        for file in sorted((out / "_bad_rows").iterdir())
        for line in file.read_text().splitlines()
    ]
    assert bad == [0, 4, 11, 29]
    wanted = np.delete(2 * numbers(30) + 1, bad, axis=0)
    np.testing.assert_array_equal(scored(out), wanted)


def test_messages_that_are_none_are_bad_rows(fake: Path, tmp_path: Path):
    write_tfrecord(tmp_path / "a.tfrecord", 10)
    from tfnative._base.tfrecord import write_record

    with (tmp_path / "a.tfrecord").open("ab") as file:
        write_record(file, b"\xff\xff")
        write_record(file, tfnative.encode_example({"x": [1.0, 2.0]}))
        write_record(file, tfnative.encode_example({"x": [1.0, 2.0, 3.0]}))
    out = tmp_path / "out"
    report = score(fake, tmp_path / "a.tfrecord", out, on_error="skip")
    assert (report.rows, report.bad_rows) == (11, 2)
    assert scored(out)[-1] == [3.0, 5.0, 7.0]


def test_parts_may_be_examples(fake: Path, tmp_path: Path):
    write_parquet(tmp_path / "a.parquet", 5)
    out = tmp_path / "out"
    options = {"keep": ["id"], "output_format": "tfrecord", "outputs": {"y": "score"}}
    score(fake, tmp_path / "a.parquet", out, **options)
    found = list(read_records(out / "00000-00000.tfrecord"))
    wanted = [
        tfnative.encode_example({"id": row, "score": 2 * x + 1})
        for row, x in enumerate(numbers(5))
    ]
    assert found == wanted


def test_urls(fake: Path, tmp_path: Path):
    fsspec = pytest.importorskip("fsspec", reason="needs fsspec")
    memory = fsspec.filesystem("memory")
    write_parquet(tmp_path / "a.parquet", 50)
    memory.pipe_file("/rows/a.parquet", (tmp_path / "a.parquet").read_bytes())
    options = {"keep": ["id"], "rows_per_part": 20}
    for _ in range(2):
        report = score(fake, "memory://rows/*.parquet", "memory://out/day", **options)
        assert (report.rows, report.parts) == (50, 3)
    memory.get("/out/day/", str(tmp_path / "copy"), recursive=True)
    np.testing.assert_array_equal(scored(tmp_path / "copy"), 2 * numbers(50) + 1)


_MEMORY = """
import resource, sys
import tfnative
model, rows, out = sys.argv[1:]
tfnative.score(model, rows, out, signature="affine", columns={"x": ["a", "b", "c"]})
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_file(fake: Path, tmp_path: Path):
    random = np.random.default_rng(1)
    # Numbers that cannot be compressed: a group has 6 MB.
    columns = {name: random.random(250_000) for name in "abc"}
    table = pa.table(columns)
    kilobytes = []
    for groups in (2, 25):
        path = tmp_path / f"{groups}.parquet"
        with pa.parquet.ParquetWriter(path, table.schema) as file:
            for _ in range(groups):
                file.write_table(table)
        command = [sys.executable, "-c", _MEMORY, fake, path, tmp_path / f"{groups}"]
        kilobytes.append(int(subprocess.check_output(list(map(str, command)))))
    # 25 groups have 138 MB more.
    assert kilobytes[1] - kilobytes[0] < 60_000


CHANGES: dict[str, dict[str, Any]] = {
    "rows per part": {"rows_per_part": 21},
    "columns that are kept": {"keep": []},
    "outputs": {"outputs": {"y": "z"}},
    "treatment of bad rows": {"on_error": "skip"},
    "output format": {"output_format": "tfrecord"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_folder_is_of_one_job(fake: Path, tmp_path: Path, change: str):
    write_parquet(tmp_path / "a.parquet", 50)
    options = {"keep": ["id"], "rows_per_part": 20}
    out = tmp_path / "out"
    score(fake, tmp_path / "a.parquet", out, **options)
    with pytest.raises(FailedPreconditionError, match=change):
        score(fake, tmp_path / "a.parquet", out, **{**options, **CHANGES[change]})


def test_other_inputs_and_models_are_another_job(
    artifacts: dict[int, Path], tmp_path: Path
):
    write_parquet(tmp_path / "a.parquet", 50)
    out = tmp_path / "out"
    score(artifacts[1], tmp_path / "a.parquet", out)
    with pytest.raises(FailedPreconditionError, match="another model"):
        score(artifacts[2], tmp_path / "a.parquet", out)
    write_parquet(tmp_path / "a.parquet", 51)
    with pytest.raises(FailedPreconditionError, match="another inputs"):
        score(artifacts[1], tmp_path / "a.parquet", out)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(FailedPreconditionError, match=r"letter\.txt"):
        score(artifacts[1], tmp_path / "a.parquet", tmp_path / "mine")
    assert os.listdir(tmp_path / "mine") == ["letter.txt"]


DAMAGES = {
    "empty": lambda content: b"",
    "cut off": lambda content: content[: len(content) * 2 // 3],
    "something else": lambda content: b"MZ" + content,
    "noise": lambda content: bytes(len(content)),
}


_STILL_FILES = {("csv", "cut off"), ("csv", "something else"), ("tfrecord", "empty")}


@pytest.mark.parametrize(("kind", "damage"), [*itertools.product(WRITERS, DAMAGES)])
def test_damaged_files_are_errors(
    fake: Path,
    tmp_path: Path,
    kind: str,
    damage: str,
    capfd: pytest.CaptureFixture[str],
):
    path = tmp_path / f"a.{kind}"
    WRITERS[kind](path, 400)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    if (kind, damage) in _STILL_FILES:
        return  # They are such files.
    command = ["score", "--model", str(fake), "--signature", "affine"]
    command += ["--input", str(path), "--output", str(tmp_path / "out")]
    if kind == "csv":
        command += ["--columns", "x=x_*"]
    assert cli.main(command) == cli.FAILURE
    said = capfd.readouterr().err
    assert f"a.{kind}" in said
    assert said.count("\n") == 1
    assert not parts(tmp_path / "out")


def test_what_does_not_fit_is_said_before_anything_is_written(
    fake: Path, tmp_path: Path
):
    write_parquet(tmp_path / "a.parquet", 5)
    pa.parquet.write_table(pa.table({"z": [1]}), tmp_path / "b.parquet")
    (tmp_path / "c.xyz").write_text("")
    (tmp_path / "full").mkdir()
    out = tmp_path / "out"
    bad: list[tuple[Any, dict[str, Any], str]] = [
        (["*.parquet"], {}, "b.parquet.*no column 'x'"),
        (["c.xyz"], {}, "--input-format"),
        (["full"], {}, "is a folder"),
        (["a.parquet"], {"input_format": "word"}, "input_format"),
        (["a.parquet"], {"on_error": "cry"}, "on_error"),
        (["a.parquet"], {"rows_per_part": 0}, "rows_per_part"),
        (["a.parquet"], {"rows_per_part": True}, "rows_per_part"),
        (["a.parquet"], {"output_format": "csv"}, "output_format"),
        (["a.parquet"], {"columns": {"x": ["q"]}}, "no column 'q'"),
    ]
    for names, options, said in bad:
        with pytest.raises(InvalidArgumentError, match=said):
            score(fake, [tmp_path / name for name in names], out, **options)
        assert not out.exists()
    with pytest.raises(NotFoundError, match="no file is named"):
        score(fake, tmp_path / "*.csv", out)


def test_two_jobs_do_not_write_to_one_folder(fake: Path, tmp_path: Path):
    from tfnative._cache.lock import try_exclusive

    write_parquet(tmp_path / "a.parquet", 5)
    with try_exclusive(tmp_path / "out" / "_tfnative" / "lock") as is_free:
        assert is_free
        with pytest.raises(FailedPreconditionError, match="another process"):
            score(fake, tmp_path / "a.parquet", tmp_path / "out")
    assert score(fake, tmp_path / "a.parquet", tmp_path / "out").rows == 5


def test_the_command_says_what_it_did(
    fake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    write_csv(tmp_path / "a.csv", 30)
    command = ["score", "--model", str(fake), "--signature", "affine"]
    command += ["--input", str(tmp_path / "a.csv"), "--output", str(tmp_path / "out")]
    command += ["--columns", "x=x_0,x_1,x_2", "--keep", "id", "--outputs", "y=score"]
    assert cli.main(command) == 0
    assert "30 rows in 1 parts" in capsys.readouterr().out
    assert cli.main([*command, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["rows"], report["parts_before"]) == (30, 1)
    found = pa.parquet.read_table(tmp_path / "out" / "00000-00000.parquet")
    assert found.column_names == ["id", "score"]


@pytest.mark.parametrize(
    "flags",
    [
        "--columns x",
        "--columns =x",
        "--columns x=a x=b",
        "--outputs =y",
        "--outputs y=",
    ],
)
def test_odd_flags_are_usage_errors(fake: Path, tmp_path: Path, flags: str):
    command = ["score", "--model", str(fake), "--input", "a.csv", "--output"]
    assert cli.main([*command, str(tmp_path / "o"), *flags.split()]) == cli.USAGE


@pytest.mark.parametrize(("engine", "package"), [("ray", "ray"), ("spark", "pyspark")])
def test_an_engine_that_is_not_installed_has_its_pip_line(
    fake: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
    package: str,
):
    for name in (package, f"{package}.sql"):
        monkeypatch.setitem(sys.modules, name, None)
    write_parquet(tmp_path / "a.parquet", 5)
    with pytest.raises(
        UnimplementedError, match=rf"pip install 'tfnative\[{engine}\]'"
    ):
        score(fake, tmp_path / "a.parquet", tmp_path / "out", engine=engine)
    assert not (tmp_path / "out").exists()
    with pytest.raises(InvalidArgumentError, match="local, ray, spark, got 'dask'"):
        score(fake, tmp_path / "a.parquet", tmp_path / "out", engine="dask")


def test_an_error_ends_all_parts(fake: Path, tmp_path: Path):
    """Parts are made side by side: none goes on, and none is half there."""
    for file in range(4):
        write_csv(tmp_path / f"{file}.csv", 3000, first=3000 * file)
    lines = (tmp_path / "2.csv").read_text().splitlines()
    lines[-1] = "x" + lines[-1][1:].replace(",", ",y", 1)
    (tmp_path / "2.csv").write_text("\n".join(lines) + "\n")
    out = tmp_path / "out"
    options = {"columns": {"x": "x_*"}, "keep": ["id"], "rows_per_part": 1000}
    with pytest.raises(InvalidArgumentError, match=r"2\.csv: row 2999"):
        score(fake, tmp_path / "*.csv", out, **options)
    assert not [name for name in os.listdir(out) if name.startswith(".")]
    for part in parts(out):
        assert pa.parquet.read_metadata(part).num_rows == 1000
    report = score(fake, tmp_path / "[013].csv", tmp_path / "other", **options)
    assert report.rows == 9000


def test_numbers_have_no_dictionary_and_groups_are_large(fake: Path, tmp_path: Path):
    write_parquet(tmp_path / "a.parquet", 30_000)
    score(fake, tmp_path / "a.parquet", tmp_path / "out", keep=["id"])
    (part,) = parts(tmp_path / "out")
    found = pa.parquet.read_metadata(part)
    assert (found.num_row_groups, found.num_columns) == (1, 2)
    for column in range(2):
        assert not found.row_group(0).column(column).has_dictionary_page
