# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Makes a wheel of an artifact."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tfnative._base.text import checked_path
from tfnative._wheel.archive import write_wheel
from tfnative._wheel.contents import Contents, read_contents
from tfnative._wheel.description import (
    describe_origin,
    describe_signatures,
    model_summary,
)
from tfnative._wheel.metadata import metadata_text, requirements, wheel_text
from tfnative._wheel.module import FOLDER, module_source
from tfnative._wheel.names import Names, make_names, normal_version
from tfnative.errors import InvalidArgumentError, NotFoundError


@dataclass(frozen=True)
class Wheel:
    """A wheel that was made.

    Attributes:
        path: The file.
        name: What pip calls it.
        package: What it is imported as.
        version: As PEP 440 spells it.
        tag: Where it runs, as "py3-none-manylinux_2_17_x86_64".
        requires: What pip installs with it.
        size_bytes: Of the file.
    """

    path: Path
    name: str
    package: str
    version: str
    tag: str
    requires: tuple[str, ...]
    size_bytes: int


def make_wheel(
    artifact: str | os.PathLike[str],
    output: str | os.PathLike[str] = ".",
    *,
    name: str | None = None,
    version: str = "1.0.0",
    summary: str | None = None,
) -> Wheel:
    """Makes a wheel of a compiled model, which pip installs and Python imports.

    The package has ``model``, ``predict``, ``selftest`` and ``__version__``. Neither
    TensorFlow nor the machine that the model is for is needed to make it. The same
    artifact gives the same bytes.

    Args:
        artifact: The artifact's folder, for any machine.
        output: The folder to write the wheel to. One of the same name is replaced.
        name: What pip calls it; with _ for - and . it is what Python imports. Default:
            the model's name.
        version: Of the model, as PEP 440 has it.
        summary: What the model is for, in a line. Default: says that it is a model.

    Raises:
        NotFoundError: There is no such artifact, or no folder to write to.
        InvalidArgumentError: The name, version or summary cannot be one, the package
            would hide a module that is needed, the artifact is a SavedModel, or the
            wheel cannot be written.
        LoadError: It is not an artifact, or one of its files is missing or damaged.
        UnimplementedError: Wheels have no platform tag for the artifact's triple.
    """
    version = normal_version(version)
    checked_path("artifact", artifact)
    contents = read_contents(artifact)
    names = make_names(contents.manifest.name if name is None else name)
    folder = Path(output)
    if not folder.is_dir():
        raise NotFoundError(f"cannot write a wheel: there is no folder {folder}")
    tag = f"py3-none-{contents.platform_tag}"
    path = folder / f"{names.escaped}-{version}-{tag}.whl"
    if path.is_dir():
        raise InvalidArgumentError(f"cannot write {path}: it is a folder")
    requires = requirements(contents.manifest, contents.needs_tensorflow)
    info = f"{names.escaped}-{version}.dist-info"
    entries = {
        **_package(contents, names, version),
        f"{info}/METADATA": _metadata(contents, names, version, summary, requires),
        f"{info}/WHEEL": wheel_text(tag).encode(),
    }
    write_wheel(path, entries, f"{info}/RECORD")
    size = path.stat().st_size
    return Wheel(path, names.distribution, names.package, version, tag, requires, size)


def _package(contents: Contents, names: Names, version: str) -> dict[str, bytes | Path]:
    files: dict[str, bytes | Path] = {
        "__init__.py": module_source(names, version, contents.manifest).encode(),
        "py.typed": b"",
    }
    files |= {f"{FOLDER}/{name}": path for name, path in contents.files.items()}
    return {f"{names.package}/{name}": files[name] for name in sorted(files)}


def _metadata(
    contents: Contents,
    names: Names,
    version: str,
    summary: str | None,
    requires: tuple[str, ...],
) -> bytes:
    manifest = contents.manifest
    description = f"{describe_signatures(manifest)}\n\n{describe_origin(manifest)}"
    return metadata_text(
        names,
        version,
        model_summary(manifest) if summary is None else summary,
        requires,
        description,
    ).encode()
