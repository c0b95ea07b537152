# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Tails in a manifest: what computes outputs from those of compiled code."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

from tfnative._manifest.reader import Reader, read_text
from tfnative._manifest.tensor import (
    OpenTensor,
    TensorManifest,
    read_open_tensor,
    read_tensor,
)
from tfnative.errors import LoadError


@dataclass(frozen=True)
class TensorFlowTail:
    """Outputs are computed by TensorFlow, from a SavedModel in the artifact.

    Attributes:
        path: Folder of the SavedModel, relative to the artifact. Its signature
            "serving_default" takes ``inputs``, and ``reads`` under the names
            "compiled/NAME", and gives ``outputs``.
        inputs: Of the whole, which it takes as callers pass them.
        reads: Outputs of the compiled code that it takes.
        outputs: What it computes.
        passes: Outputs of the compiled code that callers get as they are.
        ops: What could not be compiled, sorted.
        digest: "sha256:..." of the folder's files.
    """

    kind: ClassVar[str] = "tensorflow"

    path: str
    inputs: tuple[TensorManifest, ...]
    reads: tuple[str, ...]
    outputs: tuple[OpenTensor, ...]
    passes: tuple[str, ...]
    ops: tuple[str, ...]
    digest: str

    def to_content(self) -> dict[str, Any]:
        """What stands in the JSON."""
        return {"kind": self.kind, **dataclasses.asdict(self)}


def read_tail(signature: Reader) -> TensorFlowTail | None:
    """The tail of a signature, if it has one, or a LoadError."""
    if not signature.has("tail"):
        return None
    reader = signature.take_reader("tail")
    kind = reader.take("kind", str)
    if kind != TensorFlowTail.kind:
        raise LoadError(f"the manifest has a tail of kind {kind!r}, which is not known")
    return TensorFlowTail(
        path=reader.take("path", str),
        inputs=reader.take_list("inputs", read_tensor),
        reads=reader.take_list("reads", read_text),
        outputs=reader.take_list("outputs", read_open_tensor),
        passes=reader.take_list("passes", read_text),
        ops=reader.take_list("ops", read_text),
        digest=reader.take("digest", str),
    )
