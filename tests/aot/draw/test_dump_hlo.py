# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""XLA's programs, written by --dump-hlo."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

import tfnative
from tests.models import ZOO, ModelCase
from tfnative.errors import CompileError, InvalidArgumentError
from tfnative.manifest import Manifest
from tfnative_aot.draw.dump import folder_name

Export = Callable[[ModelCase], Path]

has_dot = shutil.which("dot") is not None


@pytest.fixture(scope="module")
def dumped(
    export: Export, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """The folder of programs, and the artifact."""
    folder = tmp_path_factory.mktemp("dumped")
    artifact = tfnative.compile(
        *(export(ZOO["digits_cnn"]), folder / "digits"),
        batch_sizes=(1, 3),
        cpus=["native"],
        dump_hlo=folder / "hlo",
    )
    return folder / "hlo", artifact


def test_there_is_a_folder_for_each_signature_and_batch_size(dumped: tuple[Path, Path]):
    names = {path.name for path in dumped[0].iterdir()}
    folders = {f"serving_default_batch_{size}" for size in (1, 3)}
    assert names == {*folders, "index.txt"}
    index = (dumped[0] / "index.txt").read_text().splitlines()
    assert [line.partition("/:")[0] for line in index] == sorted(folders)
    assert all(": serving_default, " in line for line in index)
    assert not list(dumped[0].glob("*/bodies"))  # There are no loops.
    endings = {".txt", ".dot", ".svg"} if has_dot else {".txt", ".dot"}
    for folder in map(dumped[0].joinpath, folders):
        files = {path.name for path in folder.iterdir() if path.is_file()}
        assert files == {f"{s}{e}" for s in ("before", "after") for e in endings}


def test_the_texts_are_xlas_own(dumped: tuple[Path, Path]):
    folder = dumped[0] / "serving_default_batch_3"
    before, after = ((folder / f"{s}.txt").read_text() for s in ("before", "after"))
    assert before.startswith("HloModule")
    assert after.startswith("HloModule")
    assert "fusion(" not in before
    assert "fusion(" in after
    assert "f32[3,8,8,1]" in before


def test_each_fusion_has_its_text_and_its_picture(dumped: tuple[Path, Path]):
    folder = dumped[0] / "serving_default_batch_1"
    calls = dict(
        re.findall(
            r"%(\S+) = .* fusion\(.*calls=%([\w.-]+)",
            (folder / "after.txt").read_text(),
        )
    )
    assert calls
    texts = {path.stem: path for path in (folder / "fusions").glob("*.txt")}
    assert texts.keys() == calls.keys()
    for name, computation in calls.items():
        lines = texts[name].read_text().splitlines()
        assert lines[0].startswith(f"%{computation} (")
        assert any(line.lstrip().startswith("ROOT") for line in lines)
        drawn = (folder / "fusions" / f"{name}.dot").read_text()
        for opcode in re.findall(r"= \S+ ([a-z-]+)\(", "\n".join(lines)):
            assert opcode in drawn or opcode in ("parameter", "constant", "broadcast")


def test_the_artifact_is_the_same_as_without(
    dumped: tuple[Path, Path], export: Export, tmp_path: Path
):
    plain = tfnative.compile(
        *(export(ZOO["digits_cnn"]), tmp_path / "digits"),
        batch_sizes=(1, 3),
        cpus=["native"],
    )
    for path in plain.rglob("*"):
        if path.is_file():
            other = dumped[1] / path.relative_to(plain)
            assert path.read_bytes() == other.read_bytes(), path.name
    manifest = Manifest.from_json((plain / "manifest.json").read_text())
    assert "dump_hlo" not in manifest.options


def test_temporary_folders_may_have_spaces_in_their_names(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """XLA takes its flags apart at spaces. The model has a loop, to be drawn, too."""
    path = export(ZOO["tf1_loop"])
    (tmp_path / "my files").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "my files"))
    tfnative.compile(
        *(path, tmp_path / "loop"),
        cpus=["native"],
        batch_sizes=[1],
        dump_hlo=tmp_path / "hlo",
    )
    folder = tmp_path / "hlo" / "serving_default_batch_1"
    calls = re.findall(
        r"%(\S+) = .* while\(.*condition=%([\w.-]+), body=%([\w.-]+)",
        (folder / "after.txt").read_text(),
    )
    assert calls
    for name, condition, body in calls:
        for role, computation in (("condition", condition), ("body", body)):
            text = (folder / "bodies" / f"{name}_{role}.txt").read_text()
            assert text.startswith(f"%{computation} (")
            assert (folder / "bodies" / f"{name}_{role}.dot").is_file()
    assert {p.name for p in tmp_path.iterdir()} == {"hlo", "loop", "my files"}


def test_a_folder_with_anything_in_it_is_refused(export: Export, tmp_path: Path):
    path = export(ZOO["mlp"])
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep me")
    output = tmp_path / "mlp"
    for taken in (tmp_path / "mine", tmp_path / "mine" / "notes.txt"):
        with pytest.raises(InvalidArgumentError, match="no empty folder"):
            tfnative.compile(path, output, dump_hlo=taken)
    for inside in (output, output / "hlo"):
        with pytest.raises(InvalidArgumentError, match="artifact's folder"):
            tfnative.compile(path, output, dump_hlo=inside)
    assert not output.exists()
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_a_model_that_is_refused_leaves_no_programs(export: Export, tmp_path: Path):
    with pytest.raises(CompileError):
        tfnative.compile(
            *(export(ZOO["refused_random"]), tmp_path / "model"),
            dump_hlo=tmp_path / "hlo",
        )
    assert list(tmp_path.iterdir()) == []


@given(st.lists(st.tuples(st.text(max_size=6), st.integers(0, 3)), max_size=8))
def test_folders_have_names_of_their_own(programs: list[tuple[str, int]]):
    taken: set[str] = set()
    names = [folder_name(signature, size, taken) for signature, size in programs]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*", name) for name in names)
