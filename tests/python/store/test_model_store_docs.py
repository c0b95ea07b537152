# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What docs/model_store.md shows works as it is shown."""

from __future__ import annotations

import functools
import re
import subprocess
import sys

import numpy as np

import tfnative
from tests.python.conftest import ROOT
from tfnative._backends.native.model import NativeModel

PAGE = (ROOT / "docs" / "model_store.md").read_text()


def test_the_code_runs_from_top_to_bottom(artifacts, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for version in (3, 5):
        folder = tmp_path / "models" / "digits" / str(version)
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.symlink_to(artifacts[1])

    class Affine(NativeModel):
        """The page's model has one signature only."""

        def predict(self, inputs, *, signature=None, out=None):
            return super().predict(inputs, signature="affine", out=out)

    monkeypatch.setattr("tfnative._store.version_loader.load", Affine)
    affine_batcher = functools.partial(tfnative.Batcher, signature="affine")
    monkeypatch.setattr(tfnative, "Batcher", affine_batcher)
    names = {"images": np.ones((2, 3), "f4")}
    stores = []
    for block in re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        exec(block, names)
        stores.append(names["store"])
        assert (names.pop("probabilities", np.full(1, 3)) == 3).all()
    assert dict(names["store"].weights) == {"stable": 0.9, "canary": 0.1}
    assert "3 AVAILABLE None" in capsys.readouterr().out
    names["batcher"].close()
    for store in stores:
        store.close()


def test_importing_tfnative_does_not_import_the_store():
    code = "import sys, tfnative; print('tfnative._store.model_store' in sys.modules)"
    command = [sys.executable, "-c", code]
    assert subprocess.check_output(command, text=True) == "False\n"
