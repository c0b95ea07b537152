# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models of which TensorFlow runs the head, and compiled code the rest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfnative._arrays import numpy_dtype
from tfnative._model import Model, Signature, TensorSpec
from tfnative.errors import InvalidArgumentError, UnimplementedError
from tfnative.manifest import TensorFlowHead

if TYPE_CHECKING:
    from tfnative._native_model import NativeModel
    from tfnative.manifest import Manifest


def open_head(folder: Path) -> Model:
    """A head as a model of its own, in TensorFlow."""
    import inspect

    from tfnative import _load

    if "backend" not in inspect.signature(_load.load).parameters:
        raise UnimplementedError(f"there is no TensorFlow backend to run {folder}")
    options: Any = {"backend": "tensorflow"}
    return _load.load(folder, **options)


class SplitModel(Model):
    """A model in two parts, as ``load`` returns it where TensorFlow runs the first.

    What it has beside the attributes and methods of ``Model``:

    Attributes:
        core: The compiled part. Its inputs are those of the C function.
        manifest: What was compiled, from what, and how exact it is.
        backend_reason: Which ops could not be compiled.
    """

    backend = "split"

    def __init__(self, core: NativeModel) -> None:
        """Opens the heads of a compiled model, which is kept."""
        self.core = core
        self.path = core.path
        self.manifest: Manifest = core.manifest
        folder = Path(core.library_path).parent
        self._heads: dict[str, tuple[TensorFlowHead, Model]] = {}
        signatures = dict(core.signatures)
        for name, of in self.manifest.signatures.items():
            if isinstance(of.head, TensorFlowHead) and name in signatures:
                self._heads[name] = of.head, open_head(folder / of.head.path)
                signatures[name] = _whole(signatures[name], of.head)
        self.signatures = signatures

    @property
    def name(self) -> str:
        """The name that it was compiled with."""
        return self.core.name

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self.core.closed

    @property
    def assets(self) -> Mapping[str, Path]:
        """Files that came with the model, as labels, by name."""
        return self.core.assets

    @property
    def backend_reason(self) -> str:
        """Which ops run in TensorFlow."""
        ops = {op for head, _ in self._heads.values() for op in head.ops}
        return f"TensorFlow runs the ops {', '.join(sorted(ops))}"

    def _find_signature(self, name: str | None) -> str:
        return self.core._find_signature(name)

    def predict(
        self,
        inputs: Any,
        /,
        *,
        signature: str | None = None,
        out: Any = None,
    ) -> Any:
        """See ``Model.predict``."""
        name = self._find_signature(signature)
        if name not in self._heads:
            return self.core.predict(inputs, signature=name, out=out)
        head, model = self._heads[name]
        given = self._by_name(inputs, self.signatures[name])
        fed = model.predict({spec.name: given[spec.name] for spec in head.inputs})
        for passed in self.core.signatures[name].inputs.keys() - fed.keys():
            fed[passed] = given[passed]
        found = self.core.predict(fed, signature=name, out=out)
        if isinstance(inputs, Mapping) or len(found) != 1:
            return found
        return next(iter(found.values()))

    def warmup(self) -> None:
        """See ``Model.warmup``."""
        self.core.warmup()
        for _, model in self._heads.values():
            model.warmup()

    def close(self) -> None:
        """See ``Model.close``."""
        self.core.close()
        for _, model in self._heads.values():
            model.close()

    def __repr__(self) -> str:
        names = ", ".join(self.signatures)
        return f"<tfnative.Model {self.name!r}: {names}; split>"

    def __reduce__(self) -> tuple[Any, ...]:
        return SplitModel, (self.core,)

    def _by_name(self, inputs: Any, signature: Signature) -> Mapping[str, Any]:
        names = list(signature.inputs)
        where = f"model {self.name!r}, signature {signature.name!r}"
        if not isinstance(inputs, Mapping):
            if len(names) == 1:
                return {names[0]: inputs}
            raise InvalidArgumentError(
                f"{where}: expected a dict with the inputs {', '.join(names)}, got "
                f"{type(inputs).__name__}"
            )
        if inputs.keys() != set(names):
            raise InvalidArgumentError(
                f"{where}: expected the inputs {', '.join(names)}, got "
                f"{', '.join(map(str, inputs)) or 'none'}"
            )
        return inputs


def _whole(core: Signature, head: TensorFlowHead) -> Signature:
    """A signature as callers see it."""
    inputs = {
        spec.name: TensorSpec(
            spec.name,
            np.dtype(object) if spec.dtype == "string" else numpy_dtype(spec.dtype),
            spec.shape,
        )
        for spec in head.inputs
    }
    direct = {n: spec for n, spec in core.inputs.items() if n not in head.feeds}
    return core._replace(inputs={**direct, **inputs})
