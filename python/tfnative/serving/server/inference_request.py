# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A request of the Open Inference Protocol, whichever way it came."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from tfnative.errors import InvalidArgumentError, UnimplementedError
from tfnative.serving.server.inference_tensors import (
    Array,
    check_raw,
    dtype_of,
    from_raw,
)
from tfnative.serving.server.input_rules import InputRules
from tfnative.serving.server.replies import MalformedRequestError, UnknownModelError
from tfnative.serving.tensors.declaration import MAX_RANK
from tfnative.serving.types import ModelSpec, Outputs

MOST_NAMES = 10_000
"""Of inputs, of outputs and of parameters, together."""
SIGNATURE_NAME = "signature_name"
"""The parameter of requests for a model that has several signatures."""
_MOST_DIGITS = 20


class Content(Protocol):
    """The elements of a tensor, which are no array yet."""

    def check(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
        """Compares how many there are with a shape, and takes no memory.

        Raises:
            InvalidArgumentError: There are more, or fewer, or of another kind.
        """

    def read(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
        """All of them, in one dimension.

        Raises:
            InvalidArgumentError: They are not what they say.
        """


class RawContent(NamedTuple):
    """Elements in bytes."""

    content: memoryview

    def check(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
        """See ``Content``."""
        check_raw(len(self.content), dtype, math.prod(shape))

    def read(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
        """See ``Content``."""
        return from_raw(self.content, dtype, math.prod(shape))


class InferTensor(NamedTuple):
    """An input as it came.

    Attributes:
        name: Its name.
        datatype: What the client says its type is.
        shape: And its sizes.
        content: Its elements.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    content: Content


class WantedOutput(NamedTuple):
    """An output that is asked for.

    Attributes:
        name: Its name.
        is_binary: Whether as bytes; None for what the request says of all.
    """

    name: str
    is_binary: bool | None = None


class InferInputs:
    """The inputs of a request. See ``RequestInputs``.

    Args:
        tensors: As they came.
        size_bytes: How large the request is.
    """

    def __init__(self, tensors: Sequence[InferTensor], size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self._tensors = tensors
        self._dtypes: dict[str, np.dtype[Any]] = {}

    def check(self, rules: InputRules) -> int:
        """See ``RequestInputs.check``."""
        self._rules = rules
        check_distinct("input", [tensor.name for tensor in self._tensors])
        rules.check_names(tensor.name for tensor in self._tensors)
        total = 0
        for tensor in self._tensors:
            try:
                dtype = _declared(tensor)
            except InvalidArgumentError as error:
                raise self._at(tensor, error) from None
            rules.check(tensor.name, dtype, tensor.shape)
            # A size of 0 counts as 1: NumPy cannot have others that overflow beside it.
            total += math.prod(max(s, 1) for s in tensor.shape) * dtype.itemsize
            rules.check_bytes(total)
            try:
                tensor.content.check(dtype, tensor.shape)
            except InvalidArgumentError as error:
                raise self._at(tensor, error) from None
            self._dtypes[tensor.name] = dtype
        return total

    def arrays(self) -> Outputs:
        """See ``RequestInputs.arrays``."""
        found = {}
        for tensor in self._tensors:
            dtype = self._dtypes[tensor.name]
            try:
                flat = tensor.content.read(dtype, tensor.shape)
            except InvalidArgumentError as error:
                raise self._at(tensor, error) from None
            found[tensor.name] = flat.reshape(tensor.shape)
        return found

    def _at(self, tensor: InferTensor, error: InvalidArgumentError) -> Exception:
        return InvalidArgumentError(f"{self._rules.at(tensor.name)}: {error}")


@dataclass(frozen=True)
class InferRequest:
    """What is asked for.

    Attributes:
        id: The client's own name for it; "" for none.
        signature: Which signature; None for the default.
        inputs: Its inputs.
        outputs: Those that are wanted; none for all.
        is_binary: Whether outputs that do not say are wanted as bytes.
    """

    id: str
    signature: str | None
    inputs: InferInputs
    outputs: Sequence[WantedOutput]
    is_binary: bool

    @property
    def wanted(self) -> list[str]:
        """The names of outputs that are wanted."""
        return [output.name for output in self.outputs]

    def binary_outputs(self, outputs: Iterable[str]) -> set[str]:
        """Which of these outputs are wanted as bytes."""
        said = {output.name: output.is_binary for output in self.outputs}
        return {
            name
            for name in outputs
            if (self.is_binary if said.get(name) is None else said[name])
        }


def spec_of(name: str, version: str, signature: str | None = None) -> ModelSpec:
    """The model that is meant.

    Args:
        name: Its name.
        version: A number; a label; or "" for the newest version.
        signature: Which one.

    Raises:
        MalformedRequestError: It is a number of very many digits.
        UnknownModelError: Or of one that no version can have.
    """
    if not version:
        return ModelSpec(name, signature=signature)
    if not (version.isascii() and version.isdecimal()):
        return ModelSpec(name, label=version, signature=signature)
    if len(version.lstrip("0")) > _MOST_DIGITS:
        raise MalformedRequestError(
            f"expected the number of a version, got one of {len(version)} digits"
        )
    if int(version) >= 1 << 63:
        raise UnknownModelError(f"there is no version {int(version)}")
    return ModelSpec(name, int(version), signature=signature)


def check_distinct(what: str, names: Iterable[str]) -> None:
    """Refuses names that come twice.

    Raises:
        InvalidArgumentError: One does.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InvalidArgumentError(f"the {what} {name[:100]!r} is there twice")
        seen.add(name)


def check_parameters(
    where: str, given: Mapping[str, Any], known: Mapping[str, type]
) -> None:
    """Refuses parameters that would be ignored.

    Args:
        where: What they belong to, for messages.
        given: By name.
        known: The types of those that there are.

    Raises:
        InvalidArgumentError: One has another type.
        UnimplementedError: There is no such one.
    """
    for name, value in given.items():
        if name not in known:
            raise UnimplementedError(
                f"{where}: the server does not know the parameter {name[:100]!r}; it"
                f" knows {', '.join(known) or 'none'} there"
            )
        if type(value) is not known[name]:
            raise InvalidArgumentError(
                f"{where}: expected {known[name].__name__} for the parameter {name!r},"
                f" got {type(value).__name__}"
            )


def _declared(tensor: InferTensor) -> np.dtype[Any]:
    dtype, shape = dtype_of(tensor.datatype), tensor.shape
    if len(shape) > MAX_RANK:
        raise InvalidArgumentError(
            f"expected at most {MAX_RANK} dimensions, got {len(shape)}"
        )
    if any(size < 0 for size in shape):
        raise InvalidArgumentError(f"a size is negative: {shape}")
    return dtype
