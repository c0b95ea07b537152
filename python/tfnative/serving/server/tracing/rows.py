# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How many rows a request has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from tfnative._signature import Signature


def rows_of(arrays: Mapping[str, npt.NDArray[Any]], signature: Signature) -> int | None:
    """The rows of a request's inputs; None if they have none.

    Args:
        arrays: The inputs.
        signature: Which say of what sizes they are: -1 of a batch.
    """
    for name, spec in signature.inputs.items():
        if name in arrays and spec.shape and spec.shape[0] == -1:
            shape = arrays[name].shape
            return shape[0] if shape else None
    return None
