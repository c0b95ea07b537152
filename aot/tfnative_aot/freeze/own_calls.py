# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Kernels of ours that stand in XLA's program, as calls that XLA knows nothing of.

XLA compiles a call only of what it knows by name, and serialises few of these. TopK is
one: an array of rows goes in, and two arrays of rows come out, of floats and integers.
What is called in truth, with which sizes, stands in the configuration of the call, at
which XLA does not look. Whoever reads the program looks there first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

TARGET = "TopK"
"""What XLA takes it for."""

COMBINED = "combined suppression"
SINGLE = "suppression"
QUANTIZED = "quantized"

_PREFIX = "tfnative "


@dataclass(frozen=True)
class OwnCall:
    """A call of a kernel of ours.

    Attributes:
        kernel: COMBINED, SINGLE or QUANTIZED.
        op: TensorFlow's op, of which it computes all.
        sizes: What the kernel is told, by name.
    """

    kernel: str
    op: str
    sizes: Mapping[str, int]

    def configuration(self) -> str:
        """What is written into XLA's program."""
        return _PREFIX + json.dumps([self.kernel, self.op, dict(self.sizes)])


def read(configuration: bytes) -> OwnCall | None:
    """The call of a configuration; None if it is what XLA takes it for."""
    text = configuration.decode(errors="replace")
    if not text.startswith(_PREFIX):
        return None
    kernel, op, sizes = json.loads(text.removeprefix(_PREFIX))
    return OwnCall(kernel, op, sizes)
