# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The manifest of an artifact: what was compiled, from what, and how exact it is.

Format 1, described in docs/artifact.md.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tfnative._manifest.heads import (
    ExamplesHead,
    FeatureManifest,
    TensorFlowHead,
    read_head,
)
from tfnative._manifest.memory import VariantMemory, read_memory
from tfnative._manifest.precision import (
    LayerPrecision,
    OutputPrecision,
    Precision,
    read_precision,
)
from tfnative._manifest.precision_choice import (
    ChoicePoint,
    LayerTrial,
    PrecisionChoice,
)
from tfnative._manifest.reader import Reader, read_text, read_whole
from tfnative._manifest.tails import TensorFlowTail, read_tail
from tfnative._manifest.tensor import OpenTensor, TensorManifest, read_tensor
from tfnative.errors import LoadError

__all__ = [
    "ChoicePoint",
    "ExamplesHead",
    "FeatureManifest",
    "Fidelity",
    "LayerPrecision",
    "LayerTrial",
    "Manifest",
    "OpenTensor",
    "OutputPrecision",
    "Precision",
    "PrecisionChoice",
    "SignatureManifest",
    "TensorFlowHead",
    "TensorFlowTail",
    "TensorManifest",
    "VariantMemory",
]

FORMAT = 1


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
        distance: How far the output was from the same graph's in float64, at most, in
            parts of its largest value; None where that was not compared.
        tensorflow_distance: Likewise, how far TensorFlow's own output was.
        reason: Why float64 said nothing, so that ``tolerance`` alone decided; or "".
    """

    output: str
    batch_size: int
    cpu_level: str
    max_abs_error: float
    max_rel_error: float
    tolerance: float
    distance: float | None = None
    tensorflow_distance: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class SignatureManifest:
    """A signature.

    Attributes:
        inputs: Of the compiled code, in the order of the C function. With a head, some
            of them come from there.
        outputs: Likewise.
        batch_sizes: Compiled batch sizes, ascending; empty without a batch dimension.
        rows_independent: Whether any number of rows can be run.
        rows: Why: "proved": a row's result depends on that row alone; "dependent":
            rows influence each other, or their number does; "tried": neither is
            proved, no trial shows that they do, and they are taken for dependent;
            "declared": as "tried", but whoever compiled it said that they do not.
            Empty in artifacts of versions that did not prove it.
        rows_reason: Why it is not proved: the node that mixes rows. Else empty.
        no_winograd: Why convolutions do not use Winograd's algorithm although they
            might: with it, an output was too far from TensorFlow's. Else empty.
        golden: File of the golden vectors, relative to the artifact.
        fidelity: What was measured when it was compiled.
        unverified_cpu_levels: Levels that the compiling machine could not run.
        head: What computes inputs of the compiled code, or None.
        memory: How much each variant needs. Empty in artifacts of versions that did not
            write it.
        tail: What computes outputs of the whole from those of the compiled code, or
            None.
        precision: What is less precise than float32, if that was asked for, or None.
    """

    inputs: tuple[TensorManifest, ...]
    outputs: tuple[TensorManifest, ...]
    batch_sizes: tuple[int, ...]
    rows_independent: bool
    golden: str
    fidelity: tuple[Fidelity, ...]
    unverified_cpu_levels: tuple[str, ...]
    head: ExamplesHead | TensorFlowHead | None = None
    rows: str = ""
    rows_reason: str = ""
    no_winograd: str = ""
    memory: tuple[VariantMemory, ...] = ()
    tail: TensorFlowTail | None = None
    precision: Precision | None = None


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
        options: What ``compile`` was asked for where that is not the default, as JSON
            has it, by the names of ``CompileOptions``. An artifact of a later version
            may have others. Empty for artifacts of versions that did not write it.
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
    options: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """The text of manifest.json: the same for equal manifests."""
        content: dict[str, Any] = {"format": FORMAT, **dataclasses.asdict(self)}
        for name, signature in self.signatures.items():
            if signature.precision is None:
                del content["signatures"][name]["precision"]
            if signature.head is None:
                del content["signatures"][name]["head"]
            else:
                content["signatures"][name]["head"] = signature.head.to_content()
            if signature.tail is None:
                del content["signatures"][name]["tail"]
            else:
                content["signatures"][name]["tail"] = signature.tail.to_content()
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
        return _manifest(Reader("manifest", content))


def _fidelity(place: str, value: object) -> Fidelity:
    reader = Reader(place, value)
    return Fidelity(
        output=reader.take("output", str),
        batch_size=reader.take("batch_size", int),
        cpu_level=reader.take("cpu_level", str),
        max_abs_error=reader.take("max_abs_error", float),
        max_rel_error=reader.take("max_rel_error", float),
        tolerance=reader.take("tolerance", float),
        distance=_number(reader, "distance"),
        tensorflow_distance=_number(reader, "tensorflow_distance"),
        reason=reader.take("reason", str) if reader.has("reason") else "",
    )


def _number(reader: Reader, name: str) -> float | None:
    """A field that older manifests do not have, and that may be null."""
    return reader.take_or_null(name, float) if reader.has(name) else None


def _signature(place: str, value: object) -> SignatureManifest:
    reader = Reader(place, value)
    return SignatureManifest(
        inputs=reader.take_list("inputs", read_tensor),
        outputs=reader.take_list("outputs", read_tensor),
        batch_sizes=reader.take_list("batch_sizes", read_whole),
        rows_independent=reader.take("rows_independent", bool),
        golden=reader.take("golden", str),
        fidelity=reader.take_list("fidelity", _fidelity),
        unverified_cpu_levels=reader.take_list("unverified_cpu_levels", read_text),
        head=read_head(reader),
        tail=read_tail(reader),
        rows=reader.take("rows", str) if reader.has("rows") else "",
        rows_reason=(
            reader.take("rows_reason", str) if reader.has("rows_reason") else ""
        ),
        no_winograd=(
            reader.take("no_winograd", str) if reader.has("no_winograd") else ""
        ),
        memory=(
            reader.take_list("memory", read_memory) if reader.has("memory") else ()
        ),
        precision=read_precision(reader),
    )


def _manifest(reader: Reader) -> Manifest:
    found = reader.take("format", int)
    if found != FORMAT:
        raise LoadError(f"the manifest has format {found}, expected {FORMAT}")
    signatures = reader.take_object("signatures")
    return Manifest(
        name=reader.take("name", str),
        library=reader.take("library", str),
        triple=reader.take("triple", str),
        cpu_levels=reader.take_list("cpu_levels", read_text),
        tfnative_version=reader.take("tfnative_version", str),
        tensorflow_version=reader.take("tensorflow_version", str),
        source_digest=reader.take("source_digest", str),
        weights_digest=reader.take("weights_digest", str),
        weights_bytes=reader.take("weights_bytes", int),
        assets=reader.take_list("assets", read_text),
        signatures={
            name: _signature(f"manifest.signatures[{name!r}]", value)
            for name, value in signatures.items()
        },
        options=reader.take_object("options") if reader.has("options") else {},
    )
