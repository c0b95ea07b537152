# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models that others trained and published on PyPI, fetched without dependencies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tfnative

tf = pytest.importorskip("tensorflow")

PYTHON = """\
from __future__ import annotations

import os
from pathlib import Path


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path

    def sizes(self) -> dict[str, int]:
        return {name: os.path.getsize(name) for name in os.listdir(self.path)}
"""
C = """\
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  char *buffer = malloc(100);
  printf("hello %s\\n", buffer);
  free(buffer);
  return 0;
}
"""
SQL = """\
CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(100));
SELECT name FROM users WHERE id = 3 ORDER BY name;
INSERT INTO users VALUES (1, 'x');
"""
SOURCES = [PYTHON, C, SQL]


def fetch(folder: Path, requirement: str) -> Path:
    """Unpacks a wheel below a folder."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--retries=1", "--only-binary=:all:"]
    done = subprocess.run(
        [*command, "--target", str(folder), requirement],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode != 0:
        reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
        pytest.skip(f"{requirement} cannot be fetched: {reason}")
    return folder


def reference(path: Path, inputs: dict) -> dict:
    loaded = tf.saved_model.load(str(path))
    outputs = loaded.signatures["serving_default"](
        **{name: tf.constant(value) for name, value in inputs.items()}
    )
    return {name: value.numpy() for name, value in outputs.items()}


def test_guesslang_knows_languages(tmp_path: Path):
    folder = fetch(tmp_path, "guesslang==2.2.1")
    path = folder / "guesslang" / "data" / "model"
    with tfnative.load(path, backend="tensorflow") as model:
        (name,) = model.signature().inputs
        inputs = {name: np.array(SOURCES, object)}
        found = model.predict(inputs)
        expected = reference(path, {name: SOURCES})
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            if value.dtype == object:
                assert found[key].tolist() == value.tolist()
            else:
                np.testing.assert_allclose(found[key], value, rtol=1e-4, atol=1e-6)
        classes = found["classes"][np.arange(3), found["scores"].argmax(1)]
        assert classes.tolist() == [b"py", b"c", b"sql"]
        labels = model.classify([text.encode() for text in SOURCES]).top()
        assert [label for ((label, _),) in labels] == ["py", "c", "sql"]


def test_basic_pitch_hears_notes(tmp_path: Path):
    folder = fetch(tmp_path, "basic-pitch==0.4.0")
    path = folder / "basic_pitch" / "saved_models" / "icassp_2022" / "nmp"
    with tfnative.load(path, backend="tensorflow") as model:
        (spec,) = model.signature().inputs.values()
        shape = [1, *spec.shape[1:]]
        audio = np.sin(np.arange(shape[1]) / 8).reshape(shape).astype(np.float32)
        found = model.predict({spec.name: audio})
        expected = reference(path, {spec.name: audio})
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            np.testing.assert_allclose(found[key], value, rtol=1e-3, atol=1e-4)
