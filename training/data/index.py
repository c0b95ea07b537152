# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""``data.json``: what a folder of TFRecord files holds.

    {"format": 2, "sha256": "...", "name": "digits", "task": "classify",
     "features": {"image": {"shape": [8, 8, 1], "dtype": "float32",
                            "stored": "floats", "below": 0}},
     "labels": ["zero", ...], "scale": [0.0, 1.0], "assets": {"NAME": "text"},
     "train": [{"file": "train-00000-of-00004.tfrecord", "rows": 360, "bytes": 98280,
                "sha256": "..."}],
     "held_out": [...]}

It is written last, so that a folder with it is complete. Digests tell what was changed:
that of each file, which may be one of the same size from other data, and that of all
the rest of ``data.json``.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from os import PathLike, fspath
from pathlib import Path, PurePosixPath
from typing import Any

from training.data.spec import FeatureSpec
from training.errors import DataError

FILE = "data.json"
ROOT = Path("build/data")
"""Where data is by its name, below the folder that one works in."""
FORMAT = 2


@dataclass(frozen=True)
class Shard:
    """A TFRecord file of the folder; its digest is in hexadecimal."""

    file: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Index:
    """The content of ``data.json``.

    Attributes:
        name: Of the data set.
        task: ``classify`` or ``regress``.
        features: What a row consists of, by name.
        labels: Names of the classes; empty for ``regress``.
        train: Files of rows to train on.
        held_out: Files of rows that training never sees.
        scale: Mean and standard deviation of the values to ``regress``.
        assets: Text files that belong to the data, content by name.
    """

    name: str
    task: str
    features: Mapping[str, FeatureSpec]
    labels: tuple[str, ...]
    train: tuple[Shard, ...]
    held_out: tuple[Shard, ...]
    scale: tuple[float, float] = (0.0, 1.0)
    assets: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """As the file has it."""
        content = asdict(self)
        head = {"format": FORMAT, "sha256": _digest(content)}
        return json.dumps({**head, **content}, indent=1) + "\n"


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def again(name: str, folder: str | PathLike[str] | None = None) -> str:
    """The command that writes data again.

    Args:
        name: Of the data set.
        folder: Where it is; where commands look by themselves, if None.
    """
    place = ""
    if folder is not None and Path(folder) != ROOT / name:
        place = f" --data-folder {shlex.quote(fspath(folder))}"
    return f"python -m training data {name}{place} --force"


def read_index(text: str, where: str, command: str | None = None) -> Index:
    """Reads ``data.json``.

    Args:
        text: Of the file.
        where: Its path, for messages.
        command: What writes it again, for messages.

    Raises:
        DataError: It is no such file, or of another format.
    """
    mend = f"write the data again: {command or again('NAME')}"
    try:
        content: dict[str, Any] = json.loads(text)
        found = content.pop("format")
        if found != FORMAT:
            raise DataError(f"{where} has format {found}, not {FORMAT}: {mend}")
        if content.pop("sha256") != _digest(content):
            raise DataError(f"{where} was changed after it was written: {mend}")
        for part in ("train", "held_out"):
            for shard in content[part]:
                if PurePosixPath(shard["file"]).name != shard["file"]:
                    name = shard["file"]
                    raise DataError(f"{where} names {name!r}, with a path: {mend}")
        return Index(
            name=content["name"],
            task=content["task"],
            features={
                name: FeatureSpec(**{**spec, "shape": tuple(spec["shape"])})
                for name, spec in content["features"].items()
            },
            labels=tuple(content["labels"]),
            train=tuple(Shard(**shard) for shard in content["train"]),
            held_out=tuple(Shard(**shard) for shard in content["held_out"]),
            scale=(float(content["scale"][0]), float(content["scale"][1])),
            assets=content["assets"],
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{where} is damaged ({error!r}): {mend}") from error
