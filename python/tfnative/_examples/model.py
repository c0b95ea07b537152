# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What classification and regression need of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from tfnative._signature import Signature


class ExamplesModel(Protocol):
    """That part of a ``Model``, which itself is made of this folder."""

    signatures: Mapping[str, Signature]

    @property
    def name(self) -> str:
        """As ``Model.name``."""

    @property
    def assets(self) -> Mapping[str, Path]:
        """As ``Model.assets``."""

    def signature(self, name: str | None = None) -> Signature:
        """As ``Model.signature``."""

    def predict(self, inputs: Any, /, *, signature: str | None = None) -> Any:
        """As ``Model.predict``."""

    def _predict_signatures(
        self, names: Sequence[str], inputs: Mapping[str, Any]
    ) -> list[dict[str, npt.NDArray[Any]]]:
        """What ``predict`` gives for each of these signatures, which take the same."""
