# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A compiled model as a wheel works where pip puts it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import tfnative
from tests.python.wheel.wheel_files import copy_artifact, install, run_python

linux_only = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the artifact is for Linux"
)
pip_only = pytest.mark.skipif(
    importlib.util.find_spec("pip") is None, reason="needs pip"
)


@pytest.fixture
def artifact(fake: Path, tmp_path: Path) -> Path:
    return copy_artifact(fake, tmp_path / "artifact")


@linux_only
@pip_only
def test_an_installed_model_predicts_as_the_artifact_does(artifact, tmp_path):
    wheel = tfnative.make_wheel(artifact, tmp_path, name="fake-model", version="2.0")
    install(tmp_path / "site", wheel.path)
    x = np.random.default_rng(1).normal(size=(7, 3)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    code = """
import sys, numpy as np, fake_model
assert "tfnative" not in sys.modules  # Importing loads nothing.
y = fake_model.predict({"x": np.load(sys.argv[1])}, signature="affine")["y"]
np.save(sys.argv[2], y)
assert fake_model.selftest().passed
assert fake_model.model is fake_model.model
assert {"model", "predict"} <= set(dir(fake_model))
print(fake_model.__version__, fake_model.model.name)
"""
    files = [str(tmp_path / "x.npy"), str(tmp_path / "y.npy")]
    said = run_python(tmp_path / "site", "-W", "error", "-c", code, *files)
    assert said.split() == ["2.0", "fake"]
    expected = tfnative.load(artifact).predict(x, signature="affine")
    assert np.load(files[1]).tobytes() == expected.tobytes()


@linux_only
@pip_only
def test_two_models_live_in_one_process(artifacts, tmp_path):
    wheels = [
        tfnative.make_wheel(
            copy_artifact(artifacts[add], tmp_path / f"a{add}"),
            tmp_path,
            name=f"adds_{add}",
        ).path
        for add in (1, 2)
    ]
    install(tmp_path / "site", *wheels)
    code = """
import adds_1, adds_2
x = [[0.0, 1.0, 2.0]]
print(adds_1.predict(x, signature="affine").tolist())
print(adds_2.predict(x, signature="affine").tolist())
"""
    said = run_python(tmp_path / "site", "-c", code).splitlines()
    assert said == ["[[1.0, 3.0, 5.0]]", "[[2.0, 4.0, 6.0]]"]


@linux_only
@pip_only
def test_threads_that_come_first_together_load_the_model_once(artifact, tmp_path):
    wheel = tfnative.make_wheel(artifact, tmp_path, name="once")
    install(tmp_path / "site", wheel.path)
    code = """
import threading, time, tfnative, once
real, calls, start = tfnative.load, [], threading.Barrier(8)
def load(path):
    calls.append(path)
    time.sleep(0.05)
    return real(path)
tfnative.load = load
models = set()
def use():
    start.wait()
    models.add(once.model)
threads = [threading.Thread(target=use) for _ in range(8)]
[t.start() for t in threads]
[t.join() for t in threads]
print(len(calls), len(models))
"""
    assert run_python(tmp_path / "site", "-c", code).split() == ["1", "1"]


@linux_only
@pip_only
def test_help_and_completion_load_no_model(artifact, tmp_path):
    wheel = tfnative.make_wheel(artifact, tmp_path)
    install(tmp_path / "site", wheel.path)
    # So that it could not be loaded: help has to be there to say what it needs.
    (tmp_path / "site" / "fake" / "artifact" / "manifest.json").write_text("{")
    code = """
import pydoc, rlcompleter, sys, fake
said = pydoc.plain(pydoc.render_doc(fake))
completer = rlcompleter.Completer({"fake": fake})
print([completer.complete("fake.", place) for place in range(3)])
assert "tfnative" not in sys.modules
print(said)
"""
    said = run_python(tmp_path / "site", "-c", code)
    assert "fake.predict(" in said
    assert "takes x: float32 (rows, 3)" in said
    assert "model = fake.model" in said


def test_the_module_is_imported_where_no_process_forks(artifact, tmp_path):
    wheel = tfnative.make_wheel(artifact, tmp_path)
    with zipfile.ZipFile(wheel.path) as archive:
        archive.extractall(tmp_path / "site")
    code = """
import os, sys
del os.register_at_fork
sys.platform = "win32"
import fake
"""
    run_python(tmp_path / "site", "-c", code)


def test_other_tools_take_the_wheel(artifact, tmp_path):
    pytest.importorskip("wheel", reason="needs wheel")
    made = tfnative.make_wheel(artifact, tmp_path)
    command = [sys.executable, "-m", "wheel", "unpack", made.path, "-d", tmp_path / "x"]
    subprocess.run(command, check=True, capture_output=True)
    unpacked = tmp_path / "x" / "fake-1.0.0" / "fake" / "artifact" / "libfake.so"
    assert unpacked.read_bytes() == (artifact / "libfake.so").read_bytes()
