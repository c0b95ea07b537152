# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A SavedModel that TensorFlow's library runs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from tfnative._backends.tensorflow.cuda import open_cuda
from tfnative._backends.tensorflow.library import package_library, quiet
from tfnative._base.initialized import Initialized
from tfnative._core import (
    TensorflowModel as CoreTensorflowModel,
    TensorflowOptions,
    tensorflow_devices,
    tensorflow_version,
)
from tfnative._model import Model
from tfnative._signature import make_signature

if TYPE_CHECKING:
    import numpy.typing as npt


class Device(NamedTuple):
    """What TensorFlow can run models on.

    Attributes:
        name: TensorFlow's, as "/job:localhost/replica:0/task:0/device:GPU:0".
        type: "CPU" or "GPU".
        memory_bytes: How much of a GPU's memory TensorFlow may take. For CPUs it is a
            number without meaning.
    """

    name: str
    type: str
    memory_bytes: int


def tensorflow_library() -> tuple[str, str]:
    """The path and the version of TensorFlow's library, which is opened.

    Raises:
        NotFoundError: There is none.
        FailedPreconditionError: It is too old, or cannot be opened.
    """
    with quiet():
        path, version = tensorflow_version(package_library())
    return path, version


def devices() -> list[Device]:
    """What TensorFlow can run models on.

    Raises:
        NotFoundError: There is no TensorFlow.
        FailedPreconditionError: It is too old, or cannot be opened.
    """
    tensorflow_library()
    options = TensorflowOptions()
    open_cuda()
    return [Device(*each) for each in tensorflow_devices(options)]


class TensorflowModel(Initialized, CoreTensorflowModel, Model):
    """A SavedModel in memory that TensorFlow's library runs.

    ``load(path, backend="tensorflow")`` returns it. The tensorflow package is not
    imported. What is different from other models:

    - ``predict`` takes ``timeout``, the seconds after which the run is given up with
      DeadlineExceededError. TensorFlow looks at the time between operations.
    - Strings are arrays of objects: bytes come out; bytes, or str, which is encoded as
      UTF-8, go in.
    - Arrays that come out lie in TensorFlow's memory. They are the caller's.
    - A model whose signatures write to variables has state: it is not immutable.
    - In a process that was forked after a model was loaded, ``predict`` raises
      FailedPreconditionError.

    Attributes:
        devices: What its session can run operations on.
    """

    backend = "tensorflow"

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        tags: Sequence[str] = ("serve",),
        device: str | None = None,
        visible_gpus: Sequence[int] | None = None,
        gpu_memory_fraction: float | None = None,
        gpu_memory_growth: bool | None = None,
        intra_op_threads: int | None = None,
        inter_op_threads: int | None = None,
        xla: bool | None = None,
        mixed_precision: Literal["float16", "bfloat16"] | None = None,
    ) -> None:
        """As ``load``."""
        self.path = os.fspath(path)
        self.backend_reason = ""
        self._options = {
            "tags": [tags] if isinstance(tags, str) else list(tags),
            "device": device or "",
            "visible_gpus": None if visible_gpus is None else list(visible_gpus),
            "gpu_memory_fraction": gpu_memory_fraction,
            "gpu_memory_growth": gpu_memory_growth,
            "intra_op_threads": intra_op_threads,
            "inter_op_threads": inter_op_threads,
            "xla": xla,
            "mixed_precision": mixed_precision or "",
        }
        options = TensorflowOptions()
        options.library_path = package_library()
        for name, value in self._options.items():
            setattr(options, name, value)
        open_cuda()
        with quiet():
            super().__init__(self.path, options)
        self.signatures = {
            each[0]: make_signature(*each) for each in self._signature_list()
        }

    @property
    def devices(self) -> list[Device]:
        """What its session can run operations on.

        Raises:
            FailedPreconditionError: The model is closed.
        """
        return [Device(*each) for each in self._devices()]

    @property
    def assets(self) -> Mapping[str, Path]:
        """The files below the SavedModel's assets/, by their paths there."""
        folder = Path(self.path) / "assets"
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path for path in files}

    def _predict_signatures(
        self, names: Sequence[str], inputs: Mapping[str, Any]
    ) -> list[dict[str, npt.NDArray[Any]]]:
        """In one run: what the signatures have in common is computed once."""
        return self._predict_together(list(names), dict(inputs))

    def warmup(self) -> None:
        """Does nothing: what a call needs TensorFlow prepares with the first one.

        Inputs that a signature accepts are not known from it, and a run may have
        effects.
        """
        self._find_signature(next(iter(self.signatures)))

    def __reduce__(self) -> tuple[Any, ...]:
        return _reload, (os.path.abspath(self.path), self._options)

    def __repr__(self) -> str:
        if self.closed:
            return f"<tfnative.Model from {self.path!r}, closed>"
        names = ", ".join(self.signatures)
        return f"<tfnative.Model {self.name!r}: {names}; TensorFlow>"


def _reload(path: str, options: dict[str, Any]) -> TensorflowModel:
    return TensorflowModel(path, **options)
