# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A model that somebody else trained and published: Spotify's basic-pitch.

It is Apache-2.0 and comes in a wheel from PyPI, which is fetched when the model is
asked for.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.models.case import ModelCase, normal

_REQUIREMENT = "basic-pitch==0.4.0"
_MODEL = "basic_pitch/saved_models/icassp_2022/nmp"


def _export(path: Path) -> Path:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--retries=1", "--target", folder]
        try:
            done = subprocess.run(
                [*command, _REQUIREMENT],
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
            )
        except subprocess.TimeoutExpired:
            pytest.skip(f"{_REQUIREMENT} cannot be fetched: PyPI does not answer")
        if done.returncode != 0:
            pytest.skip(f"{_REQUIREMENT} cannot be fetched: {done.stderr[-300:]}")
        shutil.copytree(Path(folder) / _MODEL, path)
    return path


CASES = [
    ModelCase(
        "basic_pitch",
        _export,
        makers={"input_2": normal(43844, 1)},
        tags=frozenset({"large", "wheel"}),
        rtol=1e-4,
    )
]
