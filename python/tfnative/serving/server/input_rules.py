# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What the inputs of a request may be, before memory is taken for them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

import numpy as np

from tfnative._batch.batcher import Batcher
from tfnative._model import Model
from tfnative._signature import Signature, TensorSpec
from tfnative.errors import InvalidArgumentError, ResourceExhaustedError
from tfnative.serving.types import Outputs


class InputRules(NamedTuple):
    """A signature, and the limits of the server.

    Attributes:
        where: The model and the signature, for messages.
        signature: What is asked for.
        max_bytes: How much memory all inputs together may take.
        max_rows: Of a request; None for any number.
        is_padded: Whether inputs may be smaller than the signature's.
    """

    where: str
    signature: Signature
    max_bytes: int
    max_rows: int | None = None
    is_padded: bool = False

    @classmethod
    def of(
        cls, model: Model, signature: Signature, batcher: Batcher | None, max_bytes: int
    ) -> InputRules:
        """Those of a model, and of what batches its requests."""
        where = f"model {model.name!r}, signature {signature.name!r}"
        if batcher is None:
            return cls(where, signature, max_bytes)
        options = batcher.options
        return cls(
            where,
            signature,
            max_bytes,
            options["max_batch_size"],
            options["pad_variable_length_inputs"],
        )

    def check_names(self, names: Iterable[str]) -> None:
        """Refuses inputs that the signature does not have, or does not get.

        Raises:
            InvalidArgumentError: There is one.
        """
        given, known = set(names), self.signature.inputs
        expected = ", ".join(map(repr, known))
        for name in known:
            if name not in given:
                raise InvalidArgumentError(
                    f"{self.where}: input {name!r} is missing; expected {expected}"
                )
        for name in sorted(given - known.keys()):
            raise InvalidArgumentError(
                f"{self.where}: there is no input {name[:100]!r}; expected {expected}"
            )

    def check(self, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
        """Refuses what the signature cannot take.

        Raises:
            InvalidArgumentError: The type, the rank or a size is another one, or there
                are too many rows.
        """
        spec = self.signature.inputs[name]
        if not (_is_same(dtype, spec.dtype) and self._fits(shape, spec.shape)):
            raise InvalidArgumentError(
                f"{self.at(name)}: expected {_text(spec)}, got"
                f" {'string' if dtype.kind == 'O' else dtype.name} {shape}"
            )
        has_rows = spec.shape is not None and spec.shape[:1] == (-1,)
        if self.max_rows is not None and has_rows and shape[0] > self.max_rows:
            raise InvalidArgumentError(
                f"{self.where}: a request has {shape[0]} rows, but max_batch_size is"
                f" {self.max_rows}"
            )

    def check_bytes(self, count: int) -> None:
        """Refuses inputs that take more memory than any request may.

        Raises:
            ResourceExhaustedError: They do.
        """
        if count > self.max_bytes:
            raise ResourceExhaustedError(
                f"{self.where}: the inputs take {count} bytes; a request may have at"
                f" most {self.max_bytes}"
            )

    def at(self, name: str) -> str:
        """An input, for messages."""
        return f"{self.where}: input {name!r}"

    def _fits(self, shape: tuple[int, ...], expected: tuple[int, ...] | None) -> bool:
        if expected is None or shape == expected:
            return True
        return len(shape) == len(expected) and all(
            size == known or known < 0 or (self.is_padded and size < known)
            for size, known in zip(shape, expected, strict=True)
        )


class RequestInputs(Protocol):
    """The inputs of a request, which are not arrays yet."""

    @property
    def size_bytes(self) -> int:
        """How large the request is."""

    def check(self, rules: InputRules) -> int:
        """Compares what they say of themselves with a signature.

        Returns:
            How many bytes their arrays take.

        Raises:
            Error: They do not fit.
        """

    def arrays(self) -> Outputs:
        """Their arrays, once they were checked.

        Raises:
            InvalidArgumentError: They are not what they say.
        """


def array_bytes(dtype: np.dtype[Any], shape: tuple[int, ...]) -> int:
    """How much memory an array takes; of strings, what points to them."""
    return math.prod(shape) * dtype.itemsize


def _is_same(found: np.dtype[Any], expected: np.dtype[Any]) -> bool:
    if found == expected:
        return True
    # Clients without a type for bfloat16 have its bits.
    return bool(expected.name == "bfloat16" and found == np.uint16)


def _text(spec: TensorSpec) -> str:
    name = "string" if spec.dtype.kind == "O" else spec.dtype.name
    if spec.shape is None:
        return name
    sizes = ["?" if size < 0 else str(size) for size in spec.shape]
    if spec.shape[:1] == (-1,):
        sizes[0] = "rows"
    return f"{name} ({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"
