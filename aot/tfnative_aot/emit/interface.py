# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What users of an artifact see of it: names, types and shapes."""

from __future__ import annotations

from dataclasses import dataclass

from tfnative_aot.emit.empty_batch import EmptyBatch
from tfnative_aot.freeze.graph import Check
from tfnative_aot.load.dtypes import ABI_DTYPES
from tfnative_aot.machines.targets import Target


@dataclass(frozen=True)
class Tensor:
    """An input or output.

    Attributes:
        name: As in the signature.
        c_name: The name as a C identifier, unique in the signature.
        dtype: NumPy's name of the element type, or "bfloat16".
        shape: Sizes; -1 in the first place is the batch.
    """

    name: str
    c_name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def has_batch(self) -> bool:
        """Whether its first size is the number of rows."""
        return self.shape[:1] == (-1,)

    @property
    def abi_dtype(self) -> str:
        """Its tfn_dtype in abi.h."""
        return ABI_DTYPES[self.dtype][0]

    @property
    def c_type(self) -> str:
        """The type of an element in C; complex numbers are two elements."""
        return ABI_DTYPES[self.dtype][1]

    @property
    def row_elements(self) -> int:
        """Elements of ``c_type`` in a row, or in all if there is no batch."""
        count = 2 if self.dtype.startswith("complex") else 1
        for size in self.shape:
            count *= 1 if size == -1 else size
        return count


@dataclass(frozen=True)
class Signature:
    """A signature: its tensors in order, and the batch sizes it is compiled for.

    Attributes:
        name: As in the model.
        c_name: The name as a C identifier, unique in the artifact.
        batch_sizes: Ascending; empty if there is no batch dimension.
        rows_independent: Whether a batch may be padded and split.
        checks: What is checked while it runs.
        empty: What a batch without rows gives; None if it is not known, or if there
            is no batch dimension.
    """

    name: str
    c_name: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    batch_sizes: tuple[int, ...]
    rows_independent: bool
    checks: tuple[Check, ...] = ()
    empty: EmptyBatch | None = None

    @property
    def c_parameters(self) -> str:
        """Parameters of the typed C function."""
        tensors = [f"const {t.c_type}* {t.c_name}" for t in self.inputs]
        tensors += [f"{t.c_type}* {t.c_name}" for t in self.outputs]
        return ", ".join(["int64_t batch_size", *tensors, "void* workspace"])


@dataclass(frozen=True)
class Interface:
    """An artifact as its users see it.

    Attributes:
        name: Of the artifact.
        target: What it is compiled for.
        signatures: In order.
        weights_apart: Whether its weights are in a file of their own.
        is_minimal: Whether it has code and weights only: the functions of NAME.h, but
            nothing that says of itself what it is.
    """

    name: str
    target: Target
    signatures: tuple[Signature, ...]
    weights_apart: bool = False
    is_minimal: bool = False

    @property
    def triple(self) -> str:
        """LLVM's name of what it is compiled for."""
        return self.target.triple

    def function(self, signature: Signature) -> str:
        """Name of the typed C function of a signature."""
        return f"{self.name}_{signature.c_name}"

    @property
    def exports(self) -> tuple[str, ...]:
        """Every symbol that the library exports."""
        names = [] if self.is_minimal else [f"{self.name}_artifact"]
        if self.weights_apart:
            names.append(f"{self.name}_bind_weights")
        for signature in self.signatures:
            function = self.function(signature)
            names += [function, f"{function}_workspace_bytes"]
        return tuple(names)
