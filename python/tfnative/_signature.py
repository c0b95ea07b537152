# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a model takes and gives, by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np


class TensorSpec(NamedTuple):
    """An input or output of a signature.

    Attributes:
        name: As in the signature.
        dtype: Type of the elements. bfloat16 is ml_dtypes.bfloat16 if that package is
            installed, else its bits as uint16.
        shape: Sizes; -1, in the first place only, is the batch: any number of rows.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...] | None


class Signature(NamedTuple):
    """A function of the model.

    Attributes:
        name: As in the model.
        inputs: By name.
        outputs: By name.
        batch_sizes: Numbers of rows that it was compiled for, ascending. Others are
            split and padded. Empty if it has no batch dimension.
        rows_independent: Whether any number of rows can be predicted. If not, rows
            influence each other, and only the compiled numbers can.
    """

    name: str
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]
    batch_sizes: tuple[int, ...]
    rows_independent: bool


def make_signature(
    name: str,
    inputs: Iterable[tuple[str, np.dtype[Any], tuple[int, ...] | None]],
    outputs: Iterable[tuple[str, np.dtype[Any], tuple[int, ...] | None]],
    batch_sizes: tuple[int, ...],
    rows_independent: bool,
) -> Signature:
    """A signature as the extension module describes it."""
    return Signature(
        name,
        {spec[0]: TensorSpec(*spec) for spec in inputs},
        {spec[0]: TensorSpec(*spec) for spec in outputs},
        batch_sizes,
        rows_independent,
    )
