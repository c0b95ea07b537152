# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models in Ray's object store, which every node unpacks once."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfnative._shipping.archive import Packed, pack, packed, unpack
from tfnative.errors import UnimplementedError


@dataclass(frozen=True)
class Shipped:
    """A model for all nodes of a cluster. Can be pickled.

    Attributes:
        model: Its name there.
        content: Ray's reference to its archive.
    """

    model: Packed
    content: Any

    def path(self) -> Path:
        """What ``load`` takes, in a process of the cluster.

        Raises:
            Error: As ``unpack``.
        """
        return unpack(self.model, lambda: ray_package().get(self.content))


def ship(model: str | os.PathLike[str]) -> Shipped:
    """Brings a model to a cluster.

    Args:
        model: The folder of a compiled model, on this machine.

    Returns:
        What to give to ``Predictor`` and ``Served`` instead of a path.

    Raises:
        NotFoundError: There is none.
        UnimplementedError: Ray is not installed.
    """
    content = io.BytesIO()
    what = packed(model)
    pack(model, content)
    # An array is not copied into the store and out of it more than once.
    array = np.frombuffer(content.getbuffer(), np.uint8)
    return Shipped(what, ray_package().put(array))


def path_of(model: str | os.PathLike[str] | Shipped) -> str | os.PathLike[str]:
    """What ``load`` takes."""
    return model.path() if isinstance(model, Shipped) else model


def ray_package() -> Any:
    """Ray.

    Raises:
        UnimplementedError: It is not installed.
    """
    # Programs that do not know of it send nothing to Ray's makers.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise UnimplementedError("Ray is needed: pip install 'tfnative[ray]'") from None
    return ray
