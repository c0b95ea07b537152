# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Loads a model, whatever runs it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from tfnative._native_model import NativeModel
from tfnative.errors import InvalidArgumentError, LoadError

if TYPE_CHECKING:
    from tfnative._core import ThreadPool
    from tfnative._model import Model
    from tfnative._tensorflow_model import TensorflowModel

_SAVED_MODEL_FILES = ("saved_model.pb", "saved_model.pbtxt")

MixedPrecision = Literal["float16", "bfloat16"]


@overload
def load(
    path: str | os.PathLike[str],
    *,
    backend: Literal["native"] | None = None,
    cpu_level: str | None = None,
    threads: int | ThreadPool = 1,
) -> NativeModel: ...
@overload
def load(
    path: str | os.PathLike[str],
    *,
    backend: Literal["tensorflow"],
    tags: Sequence[str] | None = None,
    device: str | None = None,
    visible_gpus: Sequence[int] | None = None,
    gpu_memory_fraction: float | None = None,
    gpu_memory_growth: bool | None = None,
    intra_op_threads: int | None = None,
    inter_op_threads: int | None = None,
    xla: bool | None = None,
    mixed_precision: MixedPrecision | None = None,
) -> TensorflowModel: ...
@overload
def load(
    path: str | os.PathLike[str],
    *,
    backend: str,
    cpu_level: str | None = None,
    threads: int | ThreadPool = 1,
    signatures: Sequence[str] | None = None,
    batch_sizes: Sequence[int] | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
    rtol: float | None = None,
    tags: Sequence[str] | None = None,
    device: str | None = None,
    visible_gpus: Sequence[int] | None = None,
    gpu_memory_fraction: float | None = None,
    gpu_memory_growth: bool | None = None,
    intra_op_threads: int | None = None,
    inter_op_threads: int | None = None,
    xla: bool | None = None,
    mixed_precision: MixedPrecision | None = None,
) -> Model: ...
def load(
    path: str | os.PathLike[str],
    *,
    backend: str | None = None,
    cpu_level: str | None = None,
    threads: int | ThreadPool = 1,
    signatures: Sequence[str] | None = None,
    batch_sizes: Sequence[int] | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
    rtol: float | None = None,
    tags: Sequence[str] | None = None,
    device: str | None = None,
    visible_gpus: Sequence[int] | None = None,
    gpu_memory_fraction: float | None = None,
    gpu_memory_growth: bool | None = None,
    intra_op_threads: int | None = None,
    inter_op_threads: int | None = None,
    xla: bool | None = None,
    mixed_precision: MixedPrecision | None = None,
) -> Model:
    """Loads a model.

    A compiled model: its checksum is verified before any of its code runs; the weights
    are read when they are first used, and shared with other processes.

    A SavedModel, with ``backend="auto"``: it is compiled into a cache, in a process of
    its own, if that is possible here, and the next load takes it from there. Else
    TensorFlow runs it, and ``model.backend_reason`` says why.

    Args:
        path: The folder of a compiled model, or the shared library in it; or the
            folder of a SavedModel.
        backend: What is to run it: "native", compiled code; "tensorflow", its library;
            "auto", the first if possible, else the second. Default: "native".
        cpu_level: For compiled code: the CPU level whose code to run, as "x86-64-v2".
            Default: the one named by the environment variable TFNATIVE_CPU_LEVEL, else
            the best one that this CPU can run.
        threads: For compiled code: how many threads work on one call, the calling one
            included; or a pool of them, to share between models. A call that finds
            them busy with another one runs alone.
        signatures: For "auto": which to compile. Default: "serving_default" if the
            model has it, else all.
        batch_sizes: For "auto": numbers of rows to compile for. Default: 1, 8 and 32.
            Any number can be predicted.
        shapes: For "auto": shapes of inputs where the model leaves more open than the
            batch, as {"audio": (-1, 16000, 1)}; -1 is the batch.
        rtol: For "auto": largest error of compiled code; see ``tfnative.compile``.
        tags: Which graph of the SavedModel. Default: ("serve",).
        device: For TensorFlow, as all that follow: where it runs, as "cpu", "gpu" or
            "gpu:1". With "auto", a model for a GPU is not compiled.
        visible_gpus: Numbers of the GPUs that it may use. Default: all.
        gpu_memory_fraction: Share of a GPU's memory that it takes.
        gpu_memory_growth: Whether it takes memory only as it needs it.
        intra_op_threads: How many threads work on one operation.
        inter_op_threads: How many operations run at once.
        xla: Whether XLA compiles parts of the graph when they first run.
        mixed_precision: "float16" or "bfloat16" where that is faster.

    Raises:
        InvalidArgumentError: Options do not fit the model, the backend or each other,
            or ``threads`` is not in 1 to 1024.
        NotFoundError: There is no such file or folder, no TensorFlow to run it, or no
            such device.
        LoadError: It is truncated, damaged, no model, or made for another machine,
            CPU or version. The message says which.
    """
    for_native = _given(cpu_level=cpu_level, threads=None if threads == 1 else threads)
    for_compiling = _given(
        signatures=signatures, batch_sizes=batch_sizes, shapes=shapes, rtol=rtol
    )
    tags = (tags,) if isinstance(tags, str) else tags
    for_tensorflow = _given(
        tags=tags,
        device=device,
        visible_gpus=visible_gpus,
        gpu_memory_fraction=gpu_memory_fraction,
        gpu_memory_growth=gpu_memory_growth,
        intra_op_threads=intra_op_threads,
        inter_op_threads=inter_op_threads,
        xla=xla,
        mixed_precision=mixed_precision,
    )
    name = os.fspath(path)
    if backend not in (None, "native", "tensorflow", "auto"):
        raise InvalidArgumentError(
            f"backend must be 'native', 'tensorflow' or 'auto', got {backend!r}"
        )
    if backend == "tensorflow":
        _refuse(for_native | for_compiling, "compiled code, not for TensorFlow")
        from tfnative._tensorflow_model import TensorflowModel

        return TensorflowModel(path, **for_tensorflow)
    if not is_saved_model(path):
        _refuse(for_compiling | for_tensorflow, f"SavedModels, and {name} is none")
        if backend == "auto":
            _check_artifact(path)
        return NativeModel(path, cpu_level=cpu_level, threads=threads)
    if backend != "auto":
        raise InvalidArgumentError(
            f"{name} is a SavedModel: compile it (`tfnative compile {name} -o ...`), "
            'or load it with backend="auto" or backend="tensorflow"'
        )
    from tfnative._auto import CompileOptions, Request, load_auto

    return load_auto(
        Request(
            path=Path(path),
            cpu_level=cpu_level,
            threads=threads,
            compile=CompileOptions(**for_compiling),
            tensorflow=for_tensorflow,
        )
    )


def is_saved_model(path: str | os.PathLike[str]) -> bool:
    """Whether a path is the folder of a SavedModel."""
    return any(os.path.isfile(os.path.join(path, name)) for name in _SAVED_MODEL_FILES)


def _check_artifact(path: str | os.PathLike[str]) -> None:
    if os.path.isdir(path) and not any(Path(path).glob("lib*.so")):
        raise LoadError(
            f"{os.fspath(path)} is neither a compiled model nor a SavedModel: it has "
            "no lib*.so and no saved_model.pb"
        )


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _refuse(options: Mapping[str, Any], for_what: str) -> None:
    if options:
        raise InvalidArgumentError(f"{', '.join(sorted(options))}: for {for_what}")
