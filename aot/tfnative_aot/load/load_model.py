# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Loads a model of any kind that TensorFlow can run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tfnative.errors import CompileError, InvalidArgumentError, NotFoundError
from tfnative_aot.load import graph_def_file, saved_model
from tfnative_aot.load.eager_source import EagerSource
from tfnative_aot.load.init_op import assigned_variables
from tfnative_aot.load.session_source import SessionSource
from tfnative_aot.load.source import Arrays, Signature, Source, TensorSpec

__all__ = ["LoadedModel", "Signature", "TensorSpec", "load_model"]


@dataclass(frozen=True)
class LoadedModel:
    """A model in TensorFlow: what to compile, and the reference to compare with.

    Attributes:
        path: Where it came from.
        kind: "saved_model" or "graph_def".
        signatures: By name, sorted.
        assets: Files below the SavedModel's assets/.
        source_digest: "sha256:..." of the model's files.
        source: The model itself, for the stages of the compiler.
        tags: Which of a SavedModel's graphs it is.
    """

    path: Path
    kind: str
    signatures: Mapping[str, Signature]
    assets: tuple[Path, ...]
    source_digest: str
    source: Source
    tags: tuple[str, ...] = ()

    def signature(self, name: str) -> Signature:
        """A signature by name.

        Raises:
            InvalidArgumentError: There is none of this name.
        """
        if name not in self.signatures:
            raise InvalidArgumentError(
                f"{self.path} has no signature {name!r}. Signatures present: "
                + ", ".join(self.signatures)
            )
        return self.signatures[name]

    def run(self, signature: str, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        """Runs a signature in TensorFlow.

        Args:
            signature: Its name.
            feeds: An array for each of its inputs.

        Returns:
            An array for each of its outputs.

        Raises:
            InvalidArgumentError: ``feeds`` has not exactly the inputs' names.
        """
        found = self.signature(signature)
        expected = {spec.name for spec in found.inputs}
        if feeds.keys() != expected:
            raise InvalidArgumentError(
                f"{self.path}: signature {signature!r} takes the inputs "
                f"{sorted(expected)}, but was given {sorted(feeds)}"
            )
        return self.source.run(found, feeds)


def load_model(
    path: str | Path,
    *,
    tags: Sequence[str] = ("serve",),
    inputs: Mapping[str, str] | Sequence[str] | None = None,
    outputs: Mapping[str, str] | Sequence[str] | None = None,
) -> LoadedModel:
    """Loads a SavedModel folder or a frozen GraphDef file.

    Args:
        path: A SavedModel's folder, or a .pb or .pbtxt file with a GraphDef.
        tags: Which of a SavedModel's graphs.
        inputs: For a GraphDef: names to tensors, as {"image": "x:0"}, or tensors.
        outputs: Likewise.

    Raises:
        NotFoundError: There is no such path, or its variables are missing.
        InvalidArgumentError: It is no model, or has no graph with these tags, or
            inputs and outputs do not fit it.
        CompileError: No loader of TensorFlow's can read it; has all their reasons.
    """
    path = Path(path)
    if not path.exists():
        raise NotFoundError(f"there is no model at {path}: no such file or folder")
    if path.is_file():
        return _load_graph_def(path, inputs, outputs)
    if inputs is not None or outputs is not None:
        raise InvalidArgumentError(
            f"{path} is a folder with a SavedModel, whose signatures name its inputs "
            "and outputs. Inputs and outputs are given for a frozen GraphDef only"
        )
    graph = saved_model.meta_graph(saved_model.read(path), tags, path)
    saved_model.check_variables(graph, path, assigned_variables(graph))
    signatures = saved_model.signatures(graph, path)
    return LoadedModel(
        path=path,
        kind="saved_model",
        signatures=signatures,
        assets=saved_model.assets(path),
        source_digest=saved_model.digest(path),
        source=_load_saved_model(path, tags, signatures),
        tags=tuple(tags),
    )


def _load_saved_model(
    path: Path, tags: Sequence[str], signatures: Mapping[str, Signature]
) -> Source:
    # Neither loader reads every model. The session loader finds no variables in a
    # Keras 3 model saved with tf.saved_model.save; TensorFlow 2's needs tf_keras for
    # Keras 2 models with optimizer slots. The session loader is the faster one.
    loaders: dict[str, Any] = {
        "tf.compat.v1.saved_model.load": lambda: SessionSource.from_saved_model(
            path, tags, signatures.values()
        ),
        "tf.saved_model.load": lambda: EagerSource(path, tags),
    }
    reasons = []
    for name, load in loaders.items():
        try:
            source: Source = load()
        # TensorFlow's loaders raise errors of every type on a model they cannot read.
        except Exception as error:
            reasons.append(f"  {name}: {type(error).__name__}: {_first_lines(error)}")
        else:
            return source
    raise CompileError(f"TensorFlow cannot load {path}:\n" + "\n".join(reasons))


def _first_lines(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:3])


def _load_graph_def(
    path: Path,
    inputs: Mapping[str, str] | Sequence[str] | None,
    outputs: Mapping[str, str] | Sequence[str] | None,
) -> LoadedModel:
    graph_def = graph_def_file.read(path)
    try:
        source = SessionSource.from_graph_def(graph_def)
    except ValueError as error:
        raise CompileError(
            f"TensorFlow cannot load {path}: {_first_lines(error)}"
        ) from error
    signature = graph_def_file.signature(graph_def, inputs, outputs, path)
    return LoadedModel(
        path=path,
        kind="graph_def",
        signatures={signature.name: signature},
        assets=(),
        source_digest=saved_model.digest(path),
        source=source,
    )
