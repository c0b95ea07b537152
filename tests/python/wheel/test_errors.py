# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What no wheel can be made of, and what it cannot be called."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import tfnative
from tests.python.conftest import WEIGHTS
from tests.python.wheel.wheel_files import copy_artifact
from tfnative import InvalidArgumentError, LoadError, NotFoundError
from tfnative._wheel.names import make_names, normal_version


@pytest.fixture
def artifact(fake: Path, tmp_path: Path) -> Path:
    return copy_artifact(fake, tmp_path / "artifact")


def test_names_become_packages():
    names = make_names("Digits-model.v2")
    assert names.package == "Digits_model_v2"
    assert names.escaped == "digits_model_v2"
    assert make_names("a").package == "a"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "expected ASCII letters"),
        ("_digits", "expected ASCII letters"),
        ("digits-", "expected ASCII letters"),
        ("dígits", "expected ASCII letters"),
        ("a/b", "expected ASCII letters"),
        ("digits\n", "expected ASCII letters"),
        ("2digits", "is not Python"),
        ("class", "is not Python"),
        ("json", "would hide the module json"),
        ("Email", "would hide the module email"),
        ("numpy", "would hide the module numpy"),
        ("tfnative", "would hide the module tfnative"),
        ("TfNative-AOT", "would hide the module tfnative_aot"),
        ("tensorflow", "would hide the module tensorflow"),
    ],
)
def test_names_that_cannot_be_are_refused(name, message):
    with pytest.raises(InvalidArgumentError, match=message):
        make_names(name)


@pytest.mark.parametrize(
    ("version", "normal"),
    [
        ("1", "1"),
        ("1.0.0", "1.0.0"),
        ("v01.2", "1.2"),
        ("1!2.0", "1!2.0"),
        ("1.0-ALPHA.2", "1.0a2"),
        ("1.0b", "1.0b0"),
        ("1.0.c3", "1.0rc3"),
        ("1.0-preview1", "1.0rc1"),
        ("1.0-4", "1.0.post4"),
        ("1.0.rev", "1.0.post0"),
        ("1.0_DEV3", "1.0.dev3"),
        ("1.0rc1.post2.dev03+Ubuntu-01_a", "1.0rc1.post2.dev3+ubuntu.1.a"),
    ],
)
def test_versions_are_normal(version, normal):
    assert normal_version(version) == normal
    packaging = pytest.importorskip("packaging.version", reason="needs packaging")
    assert str(packaging.Version(version)) == normal


@pytest.mark.parametrize(
    "version", ["", "one", "1.", "1.0 ", "1.0-", "1.0+", "1/0", "\u0661"]
)
def test_versions_that_are_none_are_refused(version, artifact, tmp_path):
    with pytest.raises(InvalidArgumentError, match="PEP 440"):
        tfnative.make_wheel(artifact, tmp_path, version=version)


def test_what_is_not_an_artifact_is_refused(tmp_path):
    with pytest.raises(NotFoundError, match="there is no artifact"):
        tfnative.make_wheel(tmp_path / "missing", tmp_path)
    with pytest.raises(LoadError, match="is not an artifact"):
        tfnative.make_wheel(tmp_path, tmp_path)
    (tmp_path / "manifest.json").write_bytes(b"\xff{")
    with pytest.raises(LoadError, match="is not an artifact"):
        tfnative.make_wheel(tmp_path, tmp_path)
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(InvalidArgumentError, match="is a SavedModel: compile it"):
        tfnative.make_wheel(tmp_path, tmp_path)


@pytest.mark.parametrize("name", ["golden/affine.npz", "libfake.so"])
def test_missing_files_are_found(artifact, tmp_path, name):
    (artifact / name).unlink()
    with pytest.raises(LoadError, match=name):
        tfnative.make_wheel(artifact, tmp_path)


@pytest.mark.parametrize("name", ["../outside.so", "{tmp}/outside.so"])
def test_files_outside_of_the_artifact_are_not_taken(artifact, tmp_path, name):
    (tmp_path / "outside.so").write_text("secret")
    manifest = json.loads((artifact / "manifest.json").read_text())
    manifest["library"] = name.format(tmp=tmp_path)
    (artifact / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(LoadError, match="has no file"):
        tfnative.make_wheel(artifact, tmp_path)


def test_damaged_libraries_are_refused(artifact, tmp_path):
    library = artifact / "libfake.so"
    good = library.read_bytes()
    wrong_version = bytearray(good)
    wrong_version[-120] += 1
    flipped = bytearray(good)
    flipped[2000] ^= 1
    weights = bytearray(good)
    weights[good.index(WEIGHTS) + 2000] ^= 1
    for content, message in (
        (b"", "cannot read"),
        (b"text", "not a little-endian ELF file"),
        (good[:-1], "the end of the library is missing"),
        (bytes(wrong_version), "it has ABI version 4"),
        (bytes(flipped), "its checksum does not fit"),
        (bytes(weights), "its weights are damaged"),
    ):
        library.write_bytes(content)
        with pytest.raises(LoadError, match=message):
            tfnative.make_wheel(artifact, tmp_path)


def test_the_folder_has_to_be_there(artifact, tmp_path):
    with pytest.raises(NotFoundError, match="there is no folder"):
        tfnative.make_wheel(artifact, tmp_path / "missing")


def test_summaries_have_one_line(artifact, tmp_path):
    with pytest.raises(InvalidArgumentError, match="one line"):
        tfnative.make_wheel(artifact, tmp_path, summary="a\nRequires-Dist: b")


def test_a_wheel_that_is_there_is_replaced(artifact, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    made = tfnative.make_wheel(artifact, out)
    content = made.path.read_bytes()
    made.path.write_text("old")
    assert tfnative.make_wheel(artifact, out).path.read_bytes() == content
    assert [path.name for path in out.iterdir()] == [made.path.name]


def test_a_wheel_that_cannot_be_written_leaves_the_old_one(artifact, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    made = tfnative.make_wheel(artifact, out)
    content = made.path.read_bytes()
    golden = artifact / "golden" / "affine.npz"
    (artifact / "assets").mkdir()
    name = os.fsencode(artifact / "assets") + b"/\xff"  # Not a name in an archive.
    Path(os.fsdecode(name)).write_bytes(golden.read_bytes())
    with pytest.raises(InvalidArgumentError, match="cannot write"):
        tfnative.make_wheel(artifact, out)
    assert made.path.read_bytes() == content
    assert [path.name for path in out.iterdir()] == [made.path.name]
    made.path.unlink()
    made.path.mkdir()
    with pytest.raises(InvalidArgumentError, match="it is a folder"):
        tfnative.make_wheel(artifact, out)
