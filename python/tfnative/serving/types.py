# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What clients ask a server for, and what it says of its models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tfnative._base.text import check_text
from tfnative._signature import Signature
from tfnative.errors import Error, InvalidArgumentError


@dataclass(frozen=True)
class ModelSpec:
    """A model on a server.

    Attributes:
        name: Its name.
        version: A version's number; or None for the newest, or the one with the label.
        label: A version's label, as "stable".
        signature: Name of the signature; None for "serving_default".

    Raises:
        InvalidArgumentError: There is no name, or both a version and a label; or
            one of them is no text, or the version no whole number.
    """

    name: str
    version: int | None = None
    label: str | None = None
    signature: str | None = None

    def __post_init__(self) -> None:
        for text in (self.name, self.label, self.signature):
            if text is not None:
                check_text("what names a model", text)
        if not self.name:
            raise InvalidArgumentError("expected the name of a model, got none")
        is_whole = isinstance(self.version, (int, np.integer))
        if self.version is not None and (
            isinstance(self.version, bool) or not is_whole
        ):
            raise InvalidArgumentError(
                f"model {self.name!r}: expected a whole number as version, got "
                f"{self.version!a}"
            )
        if self.version is not None and self.label is not None:
            raise InvalidArgumentError(
                f"model {self.name!r}: expected a version or a label, got version"
                f" {self.version} and label {self.label!r}"
            )

    def __str__(self) -> str:
        text = f"model {self.name!r}"
        if self.version is not None:
            text += f", version {self.version}"
        if self.label is not None:
            text += f", label {self.label!r}"
        return text


class ServingState(str, Enum):
    """Where a version stands on a server."""

    UNKNOWN = "UNKNOWN"
    START = "START"
    LOADING = "LOADING"
    AVAILABLE = "AVAILABLE"
    UNLOADING = "UNLOADING"
    END = "END"

    def __str__(self) -> str:
        return self.value


class ServedVersion(NamedTuple):
    """A version of a model on a server, and where it stands.

    Attributes:
        version: Its number.
        state: Where it stands.
        error: Why it could not be loaded, or None.
    """

    version: int
    state: ServingState
    error: Error | None


class ModelMetadata(NamedTuple):
    """What a server says of a model.

    Attributes:
        version: The version that it is about.
        signatures: By name. Sizes that are unknown are -1.
    """

    version: int
    signatures: Mapping[str, Signature]


Outputs = dict[str, npt.NDArray[Any]]
