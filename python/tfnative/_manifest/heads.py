# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Heads in a manifest: what computes inputs of compiled code."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import math
from dataclasses import dataclass
from typing import Any, ClassVar

from tfnative._manifest.reader import Reader, read_text, read_whole
from tfnative._manifest.tensor import TensorManifest, read_tensor
from tfnative.errors import LoadError

Default = tuple[float, ...] | tuple[int, ...] | tuple[bytes, ...]

_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


@dataclass(frozen=True)
class FeatureManifest:
    """A feature of a tf.Example.

    Attributes:
        name: As in the examples.
        dtype: "float32", "int64" or "string".
        shape: Sizes, for one example.
        default: Row-major values for examples without the feature; None: all have it.
        feeds: The input of the compiled code that it becomes; None: it is only checked.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    default: Default | None
    feeds: str | None

    def to_content(self) -> dict[str, Any]:
        """What stands in the JSON."""
        default = None if self.default is None else list(map(_value, self.default))
        return {**dataclasses.asdict(self), "default": default}


@dataclass(frozen=True)
class ExamplesHead:
    """Serialised tf.Example messages are parsed into inputs, by code of ours.

    Attributes:
        input: Name of the input for the messages.
        features: What is parsed.
    """

    kind: ClassVar[str] = "examples"

    input: str
    features: tuple[FeatureManifest, ...]

    def to_content(self) -> dict[str, Any]:
        """What stands in the JSON."""
        features = [feature.to_content() for feature in self.features]
        return {"kind": self.kind, "input": self.input, "features": features}


@dataclass(frozen=True)
class TensorFlowHead:
    """Inputs are computed by TensorFlow, from a SavedModel in the artifact.

    Attributes:
        path: Folder of the SavedModel, relative to the artifact. Its signature
            "serving_default" takes ``inputs`` and gives ``feeds``.
        inputs: What it takes.
        feeds: The inputs of the compiled code that it computes.
        ops: What could not be compiled, sorted.
        digest: "sha256:..." of the folder's files.
    """

    kind: ClassVar[str] = "tensorflow"

    path: str
    inputs: tuple[TensorManifest, ...]
    feeds: tuple[str, ...]
    ops: tuple[str, ...]
    digest: str

    def to_content(self) -> dict[str, Any]:
        """What stands in the JSON."""
        return {"kind": self.kind, **dataclasses.asdict(self)}


def read_head(signature: Reader) -> ExamplesHead | TensorFlowHead | None:
    """The head of a signature, if it has one, or a LoadError."""
    if not signature.has("head"):
        return None
    reader = signature.take_reader("head")
    kind = reader.take("kind", str)
    if kind == ExamplesHead.kind:
        return ExamplesHead(
            input=reader.take("input", str),
            features=reader.take_list("features", _feature),
        )
    if kind == TensorFlowHead.kind:
        return TensorFlowHead(
            path=reader.take("path", str),
            inputs=reader.take_list("inputs", read_tensor),
            feeds=reader.take_list("feeds", read_text),
            ops=reader.take_list("ops", read_text),
            digest=reader.take("digest", str),
        )
    raise LoadError(f"the manifest has a head of kind {kind!r}, which is not known")


def _feature(place: str, value: object) -> FeatureManifest:
    reader = Reader(place, value)
    dtype = reader.take("dtype", str)
    if dtype not in _READ:
        raise LoadError(f"{place}.dtype: {dtype!r} is none of features")
    read = _READ[dtype]
    is_required = reader.is_null("default")
    return FeatureManifest(
        name=reader.take("name", str),
        dtype=dtype,
        shape=reader.take_list("shape", read_whole),
        default=None if is_required else reader.take_list("default", read),
        feeds=None if reader.is_null("feeds") else reader.take("feeds", str),
    )


def _value(value: float | bytes) -> float | str:
    """JSON has no bytes, and no numbers that are not finite."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value if math.isfinite(value) else str(value)


def _read_float(place: str, value: object) -> float:
    if isinstance(value, str) and value in _NOT_FINITE:
        return _NOT_FINITE[value]
    if type(value) not in (int, float):
        raise LoadError(f"{place}: {value!r} is not a number")
    try:
        return float(value)  # type: ignore[arg-type]
    except OverflowError as error:
        raise LoadError(f"{place}: {error}") from error


def _read_bytes(place: str, value: object) -> bytes:
    try:
        return base64.b64decode(read_text(place, value), validate=True)
    except (binascii.Error, ValueError) as error:
        raise LoadError(f"{place} is not base64: {error}") from error


_READ: dict[str, Any] = {
    "float32": _read_float,
    "int64": read_whole,
    "string": _read_bytes,
}
