# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Tensors in a manifest."""

from __future__ import annotations

from dataclasses import dataclass

from tfnative._manifest.reader import Reader, read_whole


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


def read_tensor(place: str, value: object) -> TensorManifest:
    """A tensor, or a LoadError."""
    reader = Reader(place, value)
    return TensorManifest(
        name=reader.take("name", str),
        dtype=reader.take("dtype", str),
        shape=reader.take_list("shape", read_whole),
    )


@dataclass(frozen=True)
class OpenTensor:
    """A tensor that TensorFlow computes, whose sizes may depend on what is in it.

    Attributes:
        name: As in the signature.
        dtype: NumPy's name of the element type, "bfloat16" or "string".
        shape: Sizes; -1, in any place, is not known. None: not even how many.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] | None


def read_open_tensor(place: str, value: object) -> OpenTensor:
    """Such a tensor, or a LoadError."""
    reader = Reader(place, value)
    is_open = reader.is_null("shape")
    return OpenTensor(
        name=reader.take("name", str),
        dtype=reader.take("dtype", str),
        shape=None if is_open else reader.take_list("shape", read_whole),
    )
