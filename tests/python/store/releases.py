# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A folder of versions, for tests of the store."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

import tfnative


class Releases:
    """Artifacts, to be put into a folder as versions.

    That of version n computes y = 2 x + n; there are three of them, others are copies
    of the first.
    """

    def __init__(self, base: Path, artifacts: dict[int, Path]) -> None:
        self.base = base
        self._artifacts = artifacts
        base.mkdir()

    def folder(self, version: int) -> Path:
        return self.base / str(version)

    def add(self, *versions: int) -> Path:
        for version in versions:
            artifact = self._artifacts.get(version, self._artifacts[1])
            copy = shutil.copytree(artifact, self.base / f"{version}.incomplete")
            copy.rename(self.folder(version))
        return self.folder(versions[-1])

    def add_broken(self, version: int) -> Path:
        folder = self.add(version)
        damage(folder / "libfake.so")
        return folder

    def remove(self, *versions: int) -> None:
        for version in versions:
            shutil.rmtree(self.folder(version))

    def store(self, **options) -> tfnative.ModelStore:
        options.setdefault("poll_seconds", None)
        return tfnative.ModelStore(self.base, **options)


def damage(library: Path) -> None:
    content = bytearray(library.read_bytes())
    content[1000] ^= 1
    library.write_bytes(content)


def answer(store: tfnative.ModelStore, **options) -> int:
    """What the version that answers adds, which is its number."""
    result = store.predict(np.zeros((1, 3), "f4"), signature="affine", **options)
    return int(result[0, 0])


def states(store: tfnative.ModelStore) -> dict[int, str]:
    return {version: str(status.state) for version, status in store.versions.items()}
