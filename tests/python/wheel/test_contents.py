# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is in a wheel of a compiled model."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

import tfnative
from tests.project.test_layout import pyproject
from tests.python.wheel.wheel_files import copy_artifact
from tfnative._wheel import metadata
from tfnative._wheel.metadata import REQUIRES_NUMPY, REQUIRES_PYTHON, requirements
from tfnative.manifest import Manifest


@pytest.fixture
def artifact(fake: Path, tmp_path: Path) -> Path:
    return copy_artifact(fake, tmp_path / "artifact")


def read(wheel: tfnative.Wheel, name: str) -> str:
    with zipfile.ZipFile(wheel.path) as archive:
        (found,) = (n for n in archive.namelist() if n.endswith(name))
        return archive.read(found).decode()


def names(wheel: tfnative.Wheel) -> list[str]:
    with zipfile.ZipFile(wheel.path) as archive:
        return archive.namelist()


def test_the_same_artifact_gives_the_same_bytes(fake, tmp_path):
    made = []
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        artifact = copy_artifact(fake, tmp_path / place / "artifact")
        made.append(tfnative.make_wheel(artifact, tmp_path / place))
    assert made[0].path.name == made[1].path.name
    assert made[0].path.read_bytes() == made[1].path.read_bytes()


def test_the_record_has_the_hash_and_size_of_every_file(artifact, tmp_path):
    wheel = tfnative.make_wheel(artifact, tmp_path)
    rows = list(csv.reader(io.StringIO(read(wheel, "/RECORD"))))
    assert [row[0] for row in rows] == names(wheel)
    assert rows[-1] == ["fake-1.0.0.dist-info/RECORD", "", ""]
    with zipfile.ZipFile(wheel.path) as archive:
        assert archive.testzip() is None
        for name, digest, size in rows[:-1]:
            content = archive.read(name)
            sha = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
            assert digest == f"sha256={sha.decode().rstrip('=')}"
            assert int(size) == len(content)


def test_what_predicting_needs_is_in_it_and_nothing_else(artifact, tmp_path):
    for name in (
        "assets/labels, with a comma.txt",
        "assets.extra/tf_serving_warmup_requests",
        "heads/affine/saved_model.pb",
        "fake.weights",
        "include/fake.h",
        "lib/cmake/fake/fake-config.cmake",
        "libfake.a",
        "program.txt",
    ):
        (artifact / name).parent.mkdir(parents=True, exist_ok=True)
        (artifact / name).write_text(name)
    inside = "fake/artifact/"
    assert names(tfnative.make_wheel(artifact, tmp_path)) == [
        "fake/__init__.py",
        inside + "assets.extra/tf_serving_warmup_requests",
        inside + "assets/labels, with a comma.txt",
        inside + "fake.weights",
        inside + "golden/affine.npz",
        inside + "heads/affine/saved_model.pb",
        inside + "libfake.so",
        inside + "manifest.json",
        "fake/py.typed",
        "fake-1.0.0.dist-info/METADATA",
        "fake-1.0.0.dist-info/WHEEL",
        "fake-1.0.0.dist-info/RECORD",
    ]


def test_the_metadata_names_what_is_needed(artifact, tmp_path):
    wheel = tfnative.make_wheel(
        artifact, tmp_path, name="Fake.model", version="v1.0-rc.1", summary="Doubles."
    )
    assert wheel.path.name.startswith("fake_model-1.0rc1-py3-none-manylinux_2_")
    assert (wheel.package, wheel.version) == ("Fake_model", "1.0rc1")
    assert wheel.size_bytes == wheel.path.stat().st_size
    metadata = message_from_string(read(wheel, "/METADATA"))
    assert metadata["Name"] == "Fake.model"
    assert metadata["Version"] == "1.0rc1"
    assert metadata["Summary"] == "Doubles."
    assert metadata["Requires-Python"] == ">=3.10"
    assert tuple(metadata.get_all("Requires-Dist")) == wheel.requires
    assert "takes x: float32 (rows, 3)" in metadata.get_payload()
    about = message_from_string(read(wheel, "/WHEEL"))
    assert about["Root-Is-Purelib"] == "false"
    assert about["Tag"] == wheel.tag


def test_requirements_are_those_of_tfnative():
    project = pyproject()["project"]
    assert project["requires-python"] == REQUIRES_PYTHON
    assert project["dependencies"] == [REQUIRES_NUMPY]


def test_tfnative_has_to_be_as_new_as_the_compiler_and_as_compatible_as_this(
    artifact, monkeypatch
):
    text = (artifact / "manifest.json").read_text()

    def needed(compiled: str, here: str) -> str:
        monkeypatch.setattr(metadata, "__version__", here)
        content = {**json.loads(text), "tfnative_version": compiled}
        return requirements(Manifest.from_json(json.dumps(content)), False)[1]

    assert needed("0.1.0", "0.1.3") == "tfnative>=0.1.0,<0.2"
    assert needed("0.1.0", "0.3.0.dev1+local") == "tfnative>=0.1.0,<0.4"
    assert needed("1.2.0", "1.4.1") == "tfnative>=1.2.0,<2"
    assert needed("1.2.0", "0.9") == "tfnative>=1.2.0,<2"


def test_a_model_whose_first_ops_tensorflow_runs_needs_tensorflow(artifact, tmp_path):
    manifest = json.loads((artifact / "manifest.json").read_text())
    head = {"kind": "tensorflow", "path": "heads/affine", "feeds": ["x"]}
    words = {"name": "words", "dtype": "string", "shape": [-1, 5]}
    head |= {"inputs": [words], "ops": ["HashTableV2"], "digest": "sha256:0"}
    manifest["signatures"]["affine"]["head"] = head
    (artifact / "manifest.json").write_text(json.dumps(manifest))
    wheel = tfnative.make_wheel(artifact, tmp_path)
    assert wheel.requires[2:] == ("tensorflow>=2.16",)
    assert "takes words: string (rows, 5)" in read(wheel, "/METADATA")
    assert "float32 (rows, 3)\n    gives" not in read(wheel, "/METADATA")
    assert "fake.predict(words)" in read(wheel, "/__init__.py")


def test_parsed_messages_are_what_callers_pass(artifact, tmp_path):
    manifest = json.loads((artifact / "manifest.json").read_text())
    feature = {"name": "x", "dtype": "float32", "shape": [3], "default": None}
    head = {"kind": "examples", "input": "examples"}
    head["features"] = [{**feature, "feeds": "x"}]
    manifest["signatures"]["affine"]["head"] = head
    (artifact / "manifest.json").write_text(json.dumps(manifest))
    wheel = tfnative.make_wheel(artifact, tmp_path)
    assert len(wheel.requires) == 2
    assert "takes examples: string (rows,)\n    gives y" in read(wheel, "/METADATA")


def test_odd_names_of_tensors_stay_in_the_docstring(artifact, tmp_path):
    odd = 'a"""\\b\n{$c} \u00e9\u2028'
    manifest = json.loads((artifact / "manifest.json").read_text())
    signature = manifest["signatures"].pop("affine")
    signature["inputs"][0]["name"] = odd
    manifest["signatures"][odd] = signature
    (artifact / "manifest.json").write_text(json.dumps(manifest))
    source = read(tfnative.make_wheel(artifact, tmp_path), "/__init__.py")
    module: dict = {"__name__": "odd", "__file__": "odd/__init__.py"}
    exec(compile(source, "odd", "exec"), module)
    assert f"takes {odd!a}: float32 (rows, 3)" in module["__doc__"]


def test_the_generated_module_is_typed(artifact, tmp_path):
    api = pytest.importorskip("mypy.api", reason="needs mypy")
    wheel = tfnative.make_wheel(artifact, tmp_path, name="typed_model")
    with zipfile.ZipFile(wheel.path) as archive:
        archive.extractall(tmp_path / "site")
    user = tmp_path / "site" / "user.py"
    user.write_text(
        "import typed_model\nname: str = typed_model.model.name\n"
        "passed: bool = typed_model.selftest().passed\ntyped_model.misspelt\n"
    )
    options = ["--strict", "--config-file=", f"--cache-dir={tmp_path / 'cache'}"]
    options += ["--follow-imports=silent", f"--python-executable={sys.executable}"]
    said, _, _ = api.run([*options, str(user), str(user.parent / "typed_model")])
    errors = [line for line in said.splitlines() if "error:" in line]
    assert len(errors) == 1, said
    assert 'Module has no attribute "misspelt"' in errors[0]


def test_the_generated_module_is_written_as_ruff_formats_it(artifact, tmp_path):
    pytest.importorskip("ruff", reason="needs ruff")
    source = tmp_path / "__init__.py"
    wheel = tfnative.make_wheel(artifact, tmp_path)
    source.write_text(read(wheel, "/__init__.py"))
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--check"]
    done = subprocess.run([*command, source], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
