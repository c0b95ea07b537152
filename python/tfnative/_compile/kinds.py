# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Values that only the options of compiling have."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfnative._base.options.kinds import (
    MOST,
    Folder,
    Kind,
    Names,
    whole,
    words,
)
from tfnative._base.text import has_utf8
from tfnative._compile.shapes import parse_shapes
from tfnative.errors import InvalidArgumentError


class Shapes(Kind):
    """Shapes by the names of inputs."""

    expected = f"a dict of shapes by input, of sizes up to {MOST}"
    as_keyword = "as {'audio': (-1, 16000, 1)}, where -1 is the batch"
    as_flag = (
        "is written audio=?,16000,1, where ? is the batch, and may be given several "
        "times"
    )

    def check(self, value: Any) -> dict[str, tuple[int, ...]]:
        """See Kind. Whether a shape fits an input is seen when there is a model."""
        shapes = {
            _text(name): tuple(whole(size) for size in shape)
            for name, shape in value.items()
        }
        if any(size > MOST for shape in shapes.values() for size in shape):
            raise ValueError
        return shapes

    def argument(self, default: Any) -> dict[str, Any]:
        """See Kind."""
        return {"action": "append", "metavar": "NAME=?,N,..."}

    def from_flag(self, given: Any) -> Any:
        """See Kind."""
        return parse_shapes(given)

    def to_json(self, value: Any) -> dict[str, list[int]]:
        """See Kind."""
        return {name: list(shape) for name, shape in sorted(value.items())}


class Tensors(Kind):
    """Tensors of a graph, by names or without."""

    expected = "a dict of tensors by name, or a list of tensors"
    as_keyword = "as {'image': 'x:0'}, or ['x:0']"
    as_flag = "is written image=x:0, or x:0, and may be given several times"

    def check(self, value: Any) -> dict[str, str] | tuple[str, ...]:
        """See Kind."""
        if isinstance(value, Mapping):
            return {_text(name): _text(tensor) for name, tensor in value.items()}
        names: tuple[str, ...] = Names("").check(value)
        return names

    def argument(self, default: Any) -> dict[str, Any]:
        """See Kind."""
        return {"action": "extend", "type": words, "metavar": "NAME=TENSOR,..."}

    def from_flag(self, given: Any) -> Any:
        """See Kind."""
        if not all("=" in each for each in given):
            return given
        return dict(each.split("=", 1) for each in given)

    def to_json(self, value: Any) -> Any:
        """See Kind."""
        return dict(value) if isinstance(value, Mapping) else list(value)


class Constants(Kind):
    """Values by the names of inputs."""

    expected = "a dict by input of numbers, bools, texts, or arrays or lists of them"
    as_keyword = "as {'training': False, 'sizes': [2, 3]}"
    as_flag = (
        "is written training=false, or sizes=[2,3], as JSON has it, and may be given "
        "several times"
    )

    def check(self, value: Any) -> dict[str, Any]:
        """See Kind. Whether a value fits an input is seen when there is a model."""
        return {_text(name): _plain(each) for name, each in value.items()}

    def argument(self, default: Any) -> dict[str, Any]:
        """See Kind."""
        return {"action": "append", "metavar": "NAME=VALUE"}

    def from_flag(self, given: Any) -> Any:
        """See Kind."""
        constants: dict[str, Any] = {}
        for argument in given:
            name, equals, text = argument.partition("=")
            if not equals or not name:
                raise InvalidArgumentError(
                    f"--constant {argument!r}: expected NAME=VALUE, as in --constant "
                    "training=false"
                )
            if name in constants:
                raise InvalidArgumentError(
                    f"--constant {argument!r}: {name!r} comes twice"
                )
            constants[name] = _of_json(text)
        return constants

    def to_json(self, value: Any) -> dict[str, Any]:
        """See Kind."""
        return dict(sorted(value.items()))


def _plain(value: Any) -> Any:
    """A number, bool or text, or tuples of them, of whatever there is."""
    if hasattr(value, "tolist"):  # An array, or a number of NumPy's.
        value = value.tolist()
    if isinstance(value, list | tuple):
        return tuple(_plain(each) for each in value)
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidArgumentError(f"--constant: expected finite numbers, got {value}")
    if isinstance(value, bool | int | float):
        return value
    return _text(value)


def _of_json(text: str) -> Any:
    """What JSON says, or the text; Python's words for true and false, too."""
    try:
        return json.loads({"True": "true", "False": "false"}.get(text, text))
    except json.JSONDecodeError:
        return text


class FileOrValue(Kind):
    """The path of a file, or in Python what could be in it.

    Attributes:
        metavar: The file, for help.
        not_a_file: What is wrong if a value has to be given to another process.
    """

    metavar: str
    not_a_file: str

    def argument(self, default: Any) -> dict[str, Any]:
        """See Kind."""
        return {"metavar": self.metavar}

    def to_json(self, value: Any) -> str:
        """See Kind."""
        if isinstance(value, str):
            return os.path.abspath(value)
        raise InvalidArgumentError(self.not_a_file)

    def record(self, value: Any) -> str | list[str]:
        """See Kind: which folder the file was in is nobody's business."""
        if isinstance(value, str):
            return Path(value).name
        return sorted(value) if isinstance(value, Mapping) else []


class Golden(FileOrValue):
    """A file with arrays, or arrays by the names of inputs."""

    metavar = "FILE.npz"
    not_a_file = "golden: another process can be given a file, not arrays"
    expected = "the path of a .npz file, or a dict of arrays by input"
    as_keyword = "or a dict of arrays by input"

    def check(self, value: Any) -> str | dict[str, Any]:
        """See Kind."""
        if isinstance(value, Mapping):
            return {_text(name): array for name, array in value.items()}
        return _text(os.fspath(value))


class Samples(FileOrValue):
    """A file with samples, arrays by the names of inputs, or many of these."""

    metavar = "FILE"
    not_a_file = "calibration: another process can be given a file, not arrays"
    expected = (
        "the path of a .npz or TFRecord file, a dict of arrays by input, or an "
        "iterable of such dicts"
    )
    as_keyword = "or a dict of arrays by input, or an iterable of such dicts"

    def check(self, value: Any) -> Any:
        """See Kind. An iterable is read when a model is compiled, and only once."""
        if isinstance(value, Mapping):
            return {_text(name): array for name, array in value.items()}
        if isinstance(value, str | os.PathLike):
            return _text(os.fspath(value))
        # An array is an iterable, too, but its name is missing.
        if isinstance(value, bytes | bytearray) or hasattr(value, "dtype"):
            raise TypeError
        iter(value)
        return value


class Labels(FileOrValue):
    """A file with an array of whole numbers, or the array."""

    metavar = "FILE"
    not_a_file = "labels: another process can be given a file, not an array"
    expected = "the path of a .npy or .npz file, or an array of whole numbers"
    as_keyword = "or an array of whole numbers"

    def check(self, value: Any) -> Any:
        """See Kind. Whether it fits samples is seen when these are read."""
        if isinstance(value, str | os.PathLike):
            return _text(os.fspath(value))
        if isinstance(value, bytes | Mapping) or not hasattr(value, "__len__"):
            raise TypeError
        return value

    def record(self, value: Any) -> str:
        """See Kind: which folder the file was in is nobody's business."""
        return Path(value).name if isinstance(value, str) else ""


class PictureFile(Folder):
    """A path of a file to draw to."""

    expected = "the path of a file that ends in .svg or .png"

    def check(self, value: Any) -> str:
        """See Kind."""
        path = super().check(value)
        if Path(path).suffix.lower() not in (".svg", ".png"):
            raise ValueError
        return path

    def argument(self, default: Any) -> dict[str, Any]:
        """See Kind."""
        return {"metavar": "FILE"}


def _text(value: Any) -> str:
    if not isinstance(value, str) or not has_utf8(value):
        raise TypeError
    return value
