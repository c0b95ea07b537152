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
        backend: What is to run it: "native", compiled code; "auto", that if possible.
            Default: "native".
        cpu_level: Name of the CPU level whose code to run, as "x86-64-v2". Default:
            the one named by the environment variable TFNATIVE_CPU_LEVEL, else the best
            one that this CPU can run. "auto" compiles for that level.
        threads: How many threads of compiled code work on one call, the calling one
            included; or a pool of them, to share between models. A call that finds
            them busy with another one runs alone.
        signatures: For "auto", as all that follow: which to compile. Default:
            "serving_default" if the model has it, else all.
        batch_sizes: Numbers of rows to compile for. Default: 1, 8 and 32. Any number
            can be predicted.
        shapes: Shapes of inputs where the model leaves more open than the batch, as
            {"audio": (-1, 16000, 1)}; -1 is the batch.
        rtol: Largest error of compiled code against TensorFlow; see
            ``tfnative.compile``.
        tags: Which graph of the SavedModel. Default: ("serve",).
        device: For TensorFlow. If it is a GPU, the model is not compiled.

    Raises:
        InvalidArgumentError: ``threads`` is not in 1 to 1024, or options do not fit the
            model or each other.
        NotFoundError: There is no such file or folder; or, with "auto", no TensorFlow
            to run what is not compiled.
        LoadError: It is truncated, damaged, no model, or made for another machine,
            CPU or version. The message says which.
    """
    if backend not in (None, "native", "auto"):
        raise InvalidArgumentError(
            f"backend must be 'native' or 'auto', got {backend!r}"
        )
    for_saved_models = {
        "signatures": signatures,
        "batch_sizes": batch_sizes,
        "shapes": shapes,
        "rtol": rtol,
        "tags": tags,
        "device": device,
    }
    given = [name for name, value in for_saved_models.items() if value is not None]
    if not is_saved_model(path):
        if given:
            raise InvalidArgumentError(
                f"{', '.join(given)}: for SavedModels, and {os.fspath(path)} is none"
            )
        if backend == "auto":
            _check_artifact(path)
        return NativeModel(path, cpu_level=cpu_level, threads=threads)
    if backend != "auto":
        raise InvalidArgumentError(
            f"{os.fspath(path)} is a SavedModel: compile it (`tfnative compile "
            f'{os.fspath(path)} -o ...`) or load it with backend="auto"'
        )
    from tfnative._auto import CompileOptions, Request, load_auto

    return load_auto(
        Request(
            path=Path(path),
            tags=("serve",) if tags is None else tags,
            cpu_level=cpu_level,
            threads=threads,
            compile=CompileOptions(signatures, batch_sizes, shapes, rtol),
            tensorflow=_without_none(device=device),
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


def _without_none(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
