# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Inputs and outputs of types that tfcompile cannot pass.

It stops at float16, bfloat16 and complex64 at the ends of a graph, though not inside.
So these cross as unsigned integers with the same bytes and the same shape, and are
taken apart and put together in the graph, where XLA fuses that into its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef

_CARRIERS = {"float16": "uint16", "bfloat16": "uint16", "complex64": "uint64"}
_NO_CARRIER = frozenset({"complex128"})
_HALF_BITS = 32


def carrier(dtype: str) -> str:
    """The type that carries tensors of ``dtype`` in and out."""
    return _CARRIERS.get(dtype, dtype)


def can_be_carried(dtype: str) -> bool:
    """Whether tfcompile can pass such tensors, directly or in another type."""
    return dtype not in _NO_CARRIER


class Carriers:
    """Adds the nodes that convert between a type and its carrier to a graph."""

    def __init__(
        self, graph_def: GraphDef, new_name: Callable[[str, str], str]
    ) -> None:
        """Args: the graph, and what makes a new name of a prefix and a name."""
        self._graph_def = graph_def
        self._new_name = new_name

    def unpack(self, tensor: str, dtype: str) -> str:
        """The tensor of type ``dtype`` that ``tensor`` carries."""
        if dtype == carrier(dtype):
            return tensor
        if dtype != "complex64":
            return self._bitcast(tensor, carrier(dtype), dtype)
        real = self._bitcast(
            self._cast(tensor, "uint64", "uint32"), "uint32", "float32"
        )
        shifted = self._add(
            "RightShift", [tensor, self._constant(_HALF_BITS)], T="uint64"
        )
        upper = self._cast(shifted, "uint64", "uint32")
        imaginary = self._bitcast(upper, "uint32", "float32")
        return self._add("Complex", [real, imaginary], T="float32", Tout="complex64")

    def pack(self, tensor: str, dtype: str) -> str:
        """A tensor that carries ``tensor``, which is of type ``dtype``."""
        if dtype == carrier(dtype):
            return tensor
        if dtype != "complex64":
            return self._bitcast(tensor, dtype, carrier(dtype))
        halves = []
        for part in ("Real", "Imag"):
            value = self._add(part, [tensor], T="complex64", Tout="float32")
            bits = self._bitcast(value, "float32", "uint32")
            halves.append(self._cast(bits, "uint32", "uint64"))
        upper = self._add(
            "LeftShift", [halves[1], self._constant(_HALF_BITS)], T="uint64"
        )
        return self._add("BitwiseOr", [halves[0], upper], T="uint64")

    def _bitcast(self, tensor: str, source: str, target: str) -> str:
        return self._add("Bitcast", [tensor], T=source, type=target)

    def _cast(self, tensor: str, source: str, target: str) -> str:
        return self._add("Cast", [tensor], SrcT=source, DstT=target)

    def _add(self, op: str, inputs: list[str], **types: str) -> str:
        node = self._graph_def.node.add(name=self._new_name("carried", op), op=op)
        node.input.extend(inputs)
        for attribute, name in types.items():
            node.attr[attribute].type = tf.dtypes.as_dtype(name).as_datatype_enum
        return str(node.name)

    def _constant(self, value: int) -> str:
        name = self._add("Const", [], dtype="uint64")
        proto = tf.make_tensor_proto(np.uint64(value))
        self._graph_def.node[-1].attr["value"].tensor.CopyFrom(proto)
        return name
