# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What of an artifact goes into a wheel."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tfnative._backends.load import is_saved_model
from tfnative._base.regular_file import read_regular
from tfnative._wheel.library import check_library
from tfnative.errors import InvalidArgumentError, LoadError, NotFoundError
from tfnative.manifest import Manifest, TensorFlowHead

_FOLDERS = ("assets", "assets.extra", "heads", "tails")


@dataclass(frozen=True)
class Contents:
    """An artifact, checked.

    Attributes:
        manifest: Of it.
        platform_tag: Where its library runs.
        files: What predicting and ``selftest`` need: paths by name in the artifact,
            sorted.
    """

    manifest: Manifest
    platform_tag: str
    files: dict[str, Path]

    @property
    def needs_tensorflow(self) -> bool:
        """Whether TensorFlow runs the first ops of a signature, or the last ones."""
        signatures = self.manifest.signatures.values()
        return any(
            isinstance(of.head, TensorFlowHead) or of.tail is not None
            for of in signatures
        )


def read_contents(artifact: str | os.PathLike[str]) -> Contents:
    """Reads an artifact, which may be for any machine.

    Raises:
        NotFoundError: There is no such folder.
        InvalidArgumentError: It is a SavedModel.
        LoadError: It is not an artifact, or one of its files is missing or damaged.
        UnimplementedError: There is no platform tag for its triple.
    """
    folder = Path(artifact)
    if not folder.exists():
        raise NotFoundError(f"there is no artifact {folder}")
    if is_saved_model(folder):
        raise InvalidArgumentError(
            f"{folder} is a SavedModel: compile it first (`tfnative compile {folder} "
            "-o ...`)"
        )
    try:
        text = read_regular(folder / "manifest.json").decode()
        manifest = Manifest.from_json(text)
    except (OSError, UnicodeDecodeError, LoadError) as error:
        raise LoadError(f"{folder} is not an artifact: {error}") from error
    files = dict(sorted(_files(folder, manifest)))
    tag = check_library(files[manifest.library], manifest.triple)
    return Contents(manifest, tag, files)


def _files(folder: Path, manifest: Manifest) -> Iterator[tuple[str, Path]]:
    golden = [of.golden for of in manifest.signatures.values()]
    for name in dict.fromkeys(["manifest.json", manifest.library, *golden]):
        inside = PurePosixPath(name)
        path = folder / inside
        if inside.is_absolute() or ".." in inside.parts or not path.is_file():
            raise LoadError(
                f"{folder} has no file {name!r}, which its manifest names: files are "
                "missing, or it was made for programs in C only"
            )
        yield inside.as_posix(), path
    weights = folder / f"{manifest.name}.weights"  # Where they are not in the library.
    if weights.is_file():
        yield weights.name, weights
    for name in _FOLDERS:
        for path in (folder / name).rglob("*"):
            if path.is_file():
                yield path.relative_to(folder).as_posix(), path
