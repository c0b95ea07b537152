# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What tests of deploy/ need."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("yaml", reason="needs PyYAML to read manifests")

from tests.python.conftest import build_fake, manifest
from tests.turns import Once


@pytest.fixture(scope="session")
def models(once: Once) -> Path:
    """A folder as /models: "digits" in two versions, whose "affine" adds 1 and 2."""

    def make(folder: Path) -> Path:
        for version in (1, 2):
            path = folder / "digits" / str(version)
            path.mkdir(parents=True)
            build_fake(path, json.dumps(manifest()), addend=version)
        return folder

    return once("deploy/models", make)
