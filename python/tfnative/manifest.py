# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The manifest of an artifact: what was compiled, from what, and how exact it is.

Format 1, described in docs/artifact.md.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from tfnative.errors import LoadError

__all__ = ["Fidelity", "Manifest", "SignatureManifest", "TensorManifest"]

FORMAT = 1

_T = TypeVar("_T")


@dataclass(frozen=True)
class TensorManifest:
    """An input or output.

    Attributes:
        name: As in the signature.
        dtype: NumPy's name of the element type, or "bfloat16".
        shape: Sizes; -1, in the first place only, is the batch.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Fidelity:
    """How far one output of one variant was from TensorFlow's.

    Attributes:
        output: Name of the output.
        batch_size: Rows; 0 for a signature without a batch dimension.
        cpu_level: CPU level of the variant.
        max_abs_error: Largest difference of an element.
        max_rel_error: The same, divided by the largest value of TensorFlow's.
        tolerance: The largest ``max_rel_error`` that was allowed.
    """

    output: str
    batch_size: int
    cpu_level: str
    max_abs_error: float
    max_rel_error: float
    tolerance: float


@dataclass(frozen=True)
class SignatureManifest:
    """A signature.

    Attributes:
        inputs: In the order of the C function.
        outputs: Likewise.
        batch_sizes: Compiled batch sizes, ascending; empty without a batch dimension.
        rows_independent: Whether any number of rows can be run.
        golden: File of the golden vectors, relative to the artifact.
        fidelity: What was measured when it was compiled.
        unverified_cpu_levels: Levels that the compiling machine could not run.
    """

    inputs: tuple[TensorManifest, ...]
    outputs: tuple[TensorManifest, ...]
    batch_sizes: tuple[int, ...]
    rows_independent: bool
    golden: str
    fidelity: tuple[Fidelity, ...]
    unverified_cpu_levels: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """All that is known of an artifact.

    Attributes:
        name: Its name, which is part of its C symbols.
        library: File name of the shared library.
        triple: Target triple.
        cpu_levels: CPU levels that it has code for, ascending.
        tfnative_version: Version of the compiler.
        tensorflow_version: Version of TensorFlow that compiled it.
        source_digest: "sha256:..." of the model's files.
        weights_digest: "sha256:..." of the constants in the library.
        weights_bytes: Size of the constants.
        assets: Files below assets/.
        signatures: By name.
    """

    name: str
    library: str
    triple: str
    cpu_levels: tuple[str, ...]
    tfnative_version: str
    tensorflow_version: str
    source_digest: str
    weights_digest: str
    weights_bytes: int
    assets: tuple[str, ...]
    signatures: Mapping[str, SignatureManifest]

    def to_json(self) -> str:
        """The text of manifest.json: the same for equal manifests."""
        content = {"format": FORMAT, **dataclasses.asdict(self)}
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    @staticmethod
    def from_json(text: str) -> Manifest:
        """Reads a manifest.

        Raises:
            LoadError: It is not one; the message names the field.
        """
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise LoadError(f"the manifest is not JSON: {error}") from error
        return _manifest(_Reader("manifest", content))


class _Reader:
    """A JSON object whose fields are taken one by one, with their types checked."""

    def __init__(self, place: str, value: object) -> None:
        if not isinstance(value, dict):
            raise LoadError(f"{place} is not an object in the manifest")
        self._place = place
        self._fields: dict[str, Any] = value

    def take(self, name: str, kind: type[_T]) -> _T:
        where = f"{self._place}.{name}"
        if name not in self._fields:
            raise LoadError(f"{where} is missing in the manifest")
        value = self._fields[name]
        if kind is float and type(value) is int:
            value = float(value)
        is_number = kind is not float or (
            isinstance(value, float) and math.isfinite(value)
        )
        if type(value) is not kind or not is_number:
            raise LoadError(f"{where} in the manifest: {value!r} is not {_NOUN[kind]}")
        return value

    def take_list(self, name: str, read: Callable[[str, object], _T]) -> tuple[_T, ...]:
        values: list[object] = self.take(name, list)
        place = f"{self._place}.{name}"
        return tuple(read(f"{place}[{i}]", value) for i, value in enumerate(values))

    def take_object(self, name: str) -> dict[str, object]:
        fields: dict[str, object] = self.take(name, dict)
        return fields


_NOUN: dict[type, str] = {
    str: "a text",
    int: "a whole number",
    float: "a finite number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}


def _text(place: str, value: object) -> str:
    if not isinstance(value, str):
        raise LoadError(f"{place} in the manifest: {value!r} is not a text")
    return value


def _whole(place: str, value: object) -> int:
    if type(value) is not int:
        raise LoadError(f"{place} in the manifest: {value!r} is not a whole number")
    return value


def _tensor(place: str, value: object) -> TensorManifest:
    reader = _Reader(place, value)
    return TensorManifest(
        name=reader.take("name", str),
        dtype=reader.take("dtype", str),
        shape=reader.take_list("shape", _whole),
    )


def _fidelity(place: str, value: object) -> Fidelity:
    reader = _Reader(place, value)
    return Fidelity(
        output=reader.take("output", str),
        batch_size=reader.take("batch_size", int),
        cpu_level=reader.take("cpu_level", str),
        max_abs_error=reader.take("max_abs_error", float),
        max_rel_error=reader.take("max_rel_error", float),
        tolerance=reader.take("tolerance", float),
    )


def _signature(place: str, value: object) -> SignatureManifest:
    reader = _Reader(place, value)
    return SignatureManifest(
        inputs=reader.take_list("inputs", _tensor),
        outputs=reader.take_list("outputs", _tensor),
        batch_sizes=reader.take_list("batch_sizes", _whole),
        rows_independent=reader.take("rows_independent", bool),
        golden=reader.take("golden", str),
        fidelity=reader.take_list("fidelity", _fidelity),
        unverified_cpu_levels=reader.take_list("unverified_cpu_levels", _text),
    )


def _manifest(reader: _Reader) -> Manifest:
    found = reader.take("format", int)
    if found != FORMAT:
        raise LoadError(f"the manifest has format {found}, expected {FORMAT}")
    signatures = reader.take_object("signatures")
    return Manifest(
        name=reader.take("name", str),
        library=reader.take("library", str),
        triple=reader.take("triple", str),
        cpu_levels=reader.take_list("cpu_levels", _text),
        tfnative_version=reader.take("tfnative_version", str),
        tensorflow_version=reader.take("tensorflow_version", str),
        source_digest=reader.take("source_digest", str),
        weights_digest=reader.take("weights_digest", str),
        weights_bytes=reader.take("weights_bytes", int),
        assets=reader.take_list("assets", _text),
        signatures={
            name: _signature(f"manifest.signatures[{name!r}]", value)
            for name, value in signatures.items()
        },
    )
