# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
from collections.abc import Mapping
from typing import Any, overload

import numpy as np
import numpy.typing as npt

__version__: str

_Tensor = tuple[str, np.dtype[Any], tuple[int, ...]]

class Model:
    def __init__(self, path: str, cpu_level: str = "") -> None: ...
    @property
    def name(self) -> str: ...
    @property
    def library_path(self) -> str: ...
    @property
    def cpu_level(self) -> str: ...
    @property
    def triple(self) -> str: ...
    @property
    def closed(self) -> bool: ...
    def _manifest_text(self) -> str: ...
    def _signature_list(
        self,
    ) -> list[tuple[str, list[_Tensor], list[_Tensor], tuple[int, ...], bool]]: ...
    def _expected_nanos(self, signature: str | None, rows: int) -> int: ...
    @overload
    def predict(
        self,
        inputs: Mapping[str, npt.ArrayLike],
        /,
        *,
        signature: str | None = None,
        out: npt.NDArray[Any] | Mapping[str, npt.NDArray[Any]] | None = None,
    ) -> dict[str, npt.NDArray[Any]]: ...
    @overload
    def predict(
        self,
        inputs: npt.ArrayLike,
        /,
        *,
        signature: str | None = None,
        out: npt.NDArray[Any] | Mapping[str, npt.NDArray[Any]] | None = None,
    ) -> Any: ...
    def warmup(self) -> None: ...
    def close(self) -> None: ...
