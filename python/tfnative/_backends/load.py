# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Loads a model, whatever runs it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from tfnative._backends.native.model import NativeModel
from tfnative.errors import InvalidArgumentError, LoadError

if TYPE_CHECKING:
    from tfnative._backends.tensorflow.model import TensorflowModel
    from tfnative._core import ThreadPool
    from tfnative._model import Model

_SAVED_MODEL_FILES = ("saved_model.pb", "saved_model.pbtxt")


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
    backend: Literal["auto"],
    cpu_level: str | None = None,
    threads: int | ThreadPool = 1,
    signatures: Sequence[str] | None = None,
    batch_sizes: Sequence[int] | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
    rtol: float | None = None,
    tags: Sequence[str] = ("serve",),
    device: str | None = None,
    visible_gpus: Sequence[int] | None = None,
    gpu_memory_fraction: float | None = None,
    gpu_memory_growth: bool | None = None,
    intra_op_threads: int | None = None,
    inter_op_threads: int | None = None,
    xla: bool | None = None,
    mixed_precision: Literal["float16", "bfloat16"] | None = None,
) -> Model: ...
@overload
def load(
    path: str | os.PathLike[str],
    *,
    backend: Literal["tensorflow"],
    tags: Sequence[str] = ("serve",),
    device: str | None = None,
    visible_gpus: Sequence[int] | None = None,
    gpu_memory_fraction: float | None = None,
    gpu_memory_growth: bool | None = None,
    intra_op_threads: int | None = None,
    inter_op_threads: int | None = None,
    xla: bool | None = None,
    mixed_precision: Literal["float16", "bfloat16"] | None = None,
) -> TensorflowModel: ...
@overload
def load(
    path: str | os.PathLike[str],
    *,
    backend: str | None,
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
    mixed_precision: Literal["float16", "bfloat16"] | None = None,
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
    mixed_precision: Literal["float16", "bfloat16"] | None = None,
) -> Model:
    """Loads a model.

    A compiled model: its checksum is verified before any of its code runs; the weights
    are read when they are first used, and shared with other processes. If its first ops
    could not be compiled, TensorFlow's library is opened to run them.

    A SavedModel, with ``backend="auto"``: it is compiled into a cache, in a process of
    its own, if that is possible here, and the next load takes it from there. Else
    TensorFlow runs it. ``model.backend_reason`` says what happened.

    Args:
        path: The folder of a compiled model, or the shared library in it; or the
            folder of a SavedModel.
        backend: What is to run it: "native", compiled code; "tensorflow", TensorFlow's
            library; "auto", compiled code if possible, else TensorFlow. Default:
            "native".
        cpu_level: Name of the CPU level whose code to run, as "x86-64-v2". Default:
            the one named by the environment variable TFNATIVE_CPU_LEVEL, else the best
            one that this CPU can run. "auto" compiles for that level.
        threads: How many threads of compiled code work on one call, the calling one
            included; or a pool of them, to share between models. A call that finds
            them busy with another one runs alone.
        signatures: For "auto", as the next three: which to compile. Default:
            "serving_default" if the model has it, else all.
        batch_sizes: Numbers of rows to compile for. Default: 1, 8 and 32. Any number
            can be predicted.
        shapes: Shapes of inputs where the model leaves more open than the batch, as
            {"audio": (-1, 16000, 1)}; -1 is the batch.
        rtol: Largest error of compiled code against TensorFlow; see
            ``tfnative.compile``.
        tags: Which graph of the SavedModel. Default: ("serve",).
        device: For TensorFlow, as all that follow: "cpu", "gpu", or the only GPU that
            is used, as "gpu:1". If it is a GPU, the model is not compiled. Default:
            GPUs are used where there are some.
        visible_gpus: Numbers of the GPUs that are used. Default: all.
        gpu_memory_fraction: The share of a GPU's memory that is taken. Default: nearly
            all.
        gpu_memory_growth: Whether it is taken as needed, not at once.
        intra_op_threads: That work on one operation. TensorFlow has one such pool per
            process, and the first model makes it.
        inter_op_threads: That run operations side by side, for this model alone. -1:
            the calling thread runs them all. Default: the process has some.
        xla: Whether TensorFlow compiles parts of the graph as it runs.
        mixed_precision: "float16" on GPUs, "bfloat16" on CPUs: the type in which
            TensorFlow may compute instead of float32.

    Raises:
        InvalidArgumentError: ``threads`` is not in 1 to 1024, or options do not fit the
            model or each other.
        NotFoundError: There is no such file or folder; no TensorFlow to run the model,
            or its first ops; or no such GPU.
        FailedPreconditionError: TensorFlow's library is older than 2.16 or cannot be
            used, or the process has other ``intra_op_threads``.
        UnimplementedError: TensorFlow cannot be used for any of the signatures, which
            have sparse or ragged tensors.
        LoadError: It is truncated, damaged, no model, or made for another machine,
            CPU or version. The message says which.
    """
    if backend not in (None, "native", "tensorflow", "auto"):
        raise InvalidArgumentError(
            f"backend must be 'native', 'tensorflow' or 'auto', got {backend!r}"
        )
    to_compile = _given(
        signatures=signatures, batch_sizes=batch_sizes, shapes=shapes, rtol=rtol
    )
    for_tensorflow = _given(
        device=device,
        visible_gpus=visible_gpus,
        gpu_memory_fraction=gpu_memory_fraction,
        gpu_memory_growth=gpu_memory_growth,
        intra_op_threads=intra_op_threads,
        inter_op_threads=inter_op_threads,
        xla=xla,
        mixed_precision=mixed_precision,
    )
    if backend == "tensorflow":
        native = _given(cpu_level=cpu_level, threads=None if threads == 1 else threads)
        _refuse({**native, **to_compile}, 'not for backend="tensorflow"')
        return _load_tensorflow(path, tags, for_tensorflow)
    if not is_saved_model(path):
        for_saved_models = {**to_compile, **_given(tags=tags), **for_tensorflow}
        _refuse(for_saved_models, f"for SavedModels, and {os.fspath(path)} is none")
        if backend == "auto":
            _check_artifact(path)
        return NativeModel(path, cpu_level=cpu_level, threads=threads)
    if backend != "auto":
        raise InvalidArgumentError(
            f"{os.fspath(path)} is a SavedModel: compile it (`tfnative compile "
            f'{os.fspath(path)} -o ...`) or load it with backend="auto" or "tensorflow"'
        )
    from tfnative._backends.auto.choose import load_auto
    from tfnative._backends.auto.request import CompileOptions, Request

    return load_auto(
        Request(
            path=Path(path),
            tags=("serve",) if tags is None else tags,
            cpu_level=cpu_level,
            threads=threads,
            compile=CompileOptions(signatures, batch_sizes, shapes, rtol),
            tensorflow=for_tensorflow,
        )
    )


def _load_tensorflow(
    path: str | os.PathLike[str], tags: Sequence[str] | None, options: dict[str, Any]
) -> TensorflowModel:
    from tfnative._backends.tensorflow.model import TensorflowModel

    return TensorflowModel(path, tags=("serve",) if tags is None else tags, **options)


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


def _refuse(options: Mapping[str, Any], reason: str) -> None:
    if options:
        raise InvalidArgumentError(f"{', '.join(options)}: {reason}")
