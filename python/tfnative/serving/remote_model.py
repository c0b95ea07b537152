# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A model on a server, used as one in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tfnative._base.arrays import as_input, as_output
from tfnative._model import Model
from tfnative._signature import Signature
from tfnative.errors import FailedPreconditionError, InvalidArgumentError
from tfnative.serving.types import ModelMetadata, ModelSpec, Outputs

DEFAULT_SIGNATURE = "serving_default"


class Asks(Protocol):
    """What a model needs of a ``Client``."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """Of the servers."""

    def predict(
        self,
        model: str,
        inputs: Mapping[str, npt.ArrayLike],
        *,
        version: int | None = None,
        label: str | None = None,
        signature: str | None = None,
        timeout: float | None = None,
    ) -> Outputs:
        """As ``Client.predict``."""

    def metadata(
        self,
        model: str,
        *,
        version: int | None = None,
        label: str | None = None,
        timeout: float | None = None,
    ) -> ModelMetadata:
        """As ``Client.metadata``."""

    def wait_until_ready(
        self,
        model: str,
        *,
        version: int | None = None,
        label: str | None = None,
        timeout: float | None = None,
    ) -> int:
        """As ``Client.wait_until_ready``."""


class AsyncAsks(Protocol):
    """What a model needs of an ``AsyncClient``."""

    async def predict(
        self,
        model: str,
        inputs: Mapping[str, npt.ArrayLike],
        *,
        version: int | None = None,
        label: str | None = None,
        signature: str | None = None,
        timeout: float | None = None,
    ) -> Outputs:
        """As ``AsyncClient.predict``."""


class _Remote:
    """What models for threads and for coroutines have in common."""

    def __init__(self, spec: ModelSpec, signatures: Mapping[str, Signature]) -> None:
        self.name = spec.name
        self.signatures = signatures
        self._spec = spec
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._closed

    def signature(self, name: str | None = None) -> Signature:
        """See ``Model.signature``."""
        if name is None:
            only = next(iter(self.signatures)) if len(self.signatures) == 1 else None
            name = only or DEFAULT_SIGNATURE
        if name not in self.signatures:
            raise InvalidArgumentError(
                f"{self._spec}: there is no signature {name!r}, but"
                f" {', '.join(self.signatures)}"
            )
        return self.signatures[name]

    def _arrays(self, inputs: Any, signature: Signature) -> dict[str, npt.NDArray[Any]]:
        """Inputs by name, as the server takes them."""
        if self._closed:
            raise FailedPreconditionError(f"{self._spec} is closed")
        specs = signature.inputs
        where = f"{self._spec}, signature {signature.name!r}"
        if not isinstance(inputs, Mapping):
            if len(specs) != 1:
                raise InvalidArgumentError(
                    f"{where}: expected a dict with the inputs {', '.join(specs)}, got"
                    f" {type(inputs).__name__}"
                )
            inputs = {next(iter(specs)): inputs}
        if inputs.keys() != specs.keys():
            raise InvalidArgumentError(
                f"{where}: expected the inputs {', '.join(specs)}, got"
                f" {', '.join(map(str, inputs)) or 'none'}"
            )
        return {
            name: _array(value, specs[name].dtype, f"{where}, input {name!r}")
            for name, value in inputs.items()
        }

    def _result(
        self, outputs: Outputs, signature: Signature, out: Any, is_dict: bool
    ) -> Any:
        """What ``predict`` returns."""
        if out is not None:
            where = f"{self._spec}, signature {signature.name!r}, output"
            given = out if isinstance(out, Mapping) else {next(iter(outputs)): out}
            if given.keys() != outputs.keys():
                raise InvalidArgumentError(
                    f"{where}s: expected arrays for {', '.join(outputs)}, got"
                    f" {', '.join(map(str, given))}"
                )
            for name, array in outputs.items():
                target = as_output(given[name], array.dtype, f"{where} {name!r}")
                if target.shape != array.shape:
                    raise InvalidArgumentError(
                        f"{where} {name!r}: expected {array.shape}, got {target.shape}"
                    )
                np.copyto(target, array)
            outputs = dict(given)
        if is_dict or len(outputs) > 1:
            return outputs
        (only,) = outputs.values()
        return only


def _array(value: Any, dtype: np.dtype[Any], where: str) -> npt.NDArray[Any]:
    if dtype == np.dtype(object):
        return value if isinstance(value, np.ndarray) else np.asarray(value, object)
    found = as_input(value, dtype, where)
    if found.dtype != dtype:
        raise InvalidArgumentError(
            f"{where}: expected {dtype.name}, got {found.dtype} {found.shape}"
        )
    return found


class RemoteModel(_Remote, Model):
    """A model on a server, with the methods of one in memory.

    What ``Client.model`` returns. Thread-safe. ``close`` leaves the client open.
    """

    backend = "serving"

    def __init__(
        self, client: Asks, spec: ModelSpec, timeout: float | None = None
    ) -> None:
        found = client.metadata(
            spec.name, version=spec.version, label=spec.label, timeout=timeout
        )
        super().__init__(spec, found.signatures)
        self.path = client.addresses[0]
        self._client = client
        self._timeout = timeout

    def predict(
        self,
        inputs: Any,
        /,
        *,
        signature: str | None = None,
        out: Any = None,
        timeout: float | None = None,
    ) -> Any:
        """See ``Model.predict``; raises what ``Client.predict`` does, too."""
        found = self.signature(signature)
        outputs = self._client.predict(
            self._spec.name,
            self._arrays(inputs, found),
            version=self._spec.version,
            label=self._spec.label,
            signature=found.name,
            timeout=self._timeout if timeout is None else timeout,
        )
        return self._result(outputs, found, out, isinstance(inputs, Mapping))

    def warmup(self) -> None:
        """Sees to it that the server can be reached, and that the model is ready."""
        self._client.wait_until_ready(
            self._spec.name,
            version=self._spec.version,
            label=self._spec.label,
            timeout=self._timeout,
        )

    def close(self) -> None:
        """Ends the use of this model; the client stays open."""
        self._closed = True

    def __repr__(self) -> str:
        return f"<tfnative.serving.RemoteModel {self._spec} at {self.path}>"


class AsyncRemoteModel(_Remote):
    """A model on a server, for coroutines. What ``AsyncClient.model`` returns."""

    def __init__(
        self,
        client: AsyncAsks,
        spec: ModelSpec,
        signatures: Mapping[str, Signature],
        timeout: float | None = None,
    ) -> None:
        super().__init__(spec, signatures)
        self._client = client
        self._timeout = timeout

    async def predict(
        self,
        inputs: Any,
        /,
        *,
        signature: str | None = None,
        out: Any = None,
        timeout: float | None = None,
    ) -> Any:
        """See ``Model.predict``; raises what ``AsyncClient.predict`` does, too."""
        found = self.signature(signature)
        outputs = await self._client.predict(
            self._spec.name,
            self._arrays(inputs, found),
            version=self._spec.version,
            label=self._spec.label,
            signature=found.name,
            timeout=self._timeout if timeout is None else timeout,
        )
        return self._result(outputs, found, out, isinstance(inputs, Mapping))

    def __repr__(self) -> str:
        return f"<tfnative.serving.AsyncRemoteModel {self._spec}>"
