# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Loads a model, whatever runs it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from tfnative._backends.native.model import NativeModel, native_keywords
from tfnative._backends.options import (
    COMPILED,
    COMPILING,
    SAVED_MODELS,
    TENSORFLOW,
    LoadOptions,
)
from tfnative._base.options.document import takes_options
from tfnative._base.options.option_set import combine
from tfnative._base.text import checked_path
from tfnative.errors import InvalidArgumentError, LoadError

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from tfnative._backends.options import (
        AutoKeywords,
        LoadKeywords,
        NativeKeywords,
        TensorflowKeywords,
    )
    from tfnative._backends.tensorflow.model import TensorflowModel
    from tfnative._model import Model

_SAVED_MODEL_FILES = ("saved_model.pb", "saved_model.pbtxt")


@overload
def load(
    path: str | os.PathLike[str],
    *,
    backend: Literal["native"] | None = None,
    **keywords: Unpack[NativeKeywords],
) -> NativeModel: ...
@overload
def load(
    path: str | os.PathLike[str],
    *,
    backend: Literal["auto"],
    **keywords: Unpack[AutoKeywords],
) -> Model: ...
@overload
def load(
    path: str | os.PathLike[str],
    *,
    backend: Literal["tensorflow"],
    **keywords: Unpack[TensorflowKeywords],
) -> TensorflowModel: ...
@overload
def load(
    path: str | os.PathLike[str],
    *,
    backend: str | None,
    **keywords: Unpack[AutoKeywords],
) -> Model: ...
@overload
def load(
    path: str | os.PathLike[str],
    *,
    options: LoadOptions | None,
    **keywords: Unpack[LoadKeywords],
) -> Model: ...
@takes_options(LoadOptions)
def load(
    path: str | os.PathLike[str],
    *,
    options: LoadOptions | None = None,
    **keywords: Any,
) -> Model:
    """Loads a model.

    A compiled model: its library is copied into memory that nobody can change, and
    checked before it is opened: its checksum, and that opening it runs none of its
    code; with ``trusted_keys``, its signature, too. Then the checksum of the weights is
    verified, unless ``verify=False``. ``map_in_place=True`` copies nothing: processes
    share the file's memory, and who writes to the file changes the results. If its
    first ops are not compiled, TensorFlow's library is opened to run them.

    A SavedModel, with ``backend="auto"``: it is compiled into a cache, in a process of
    its own, if that is possible here, and the next load takes it from there. Else
    TensorFlow runs it. ``model.backend_reason`` says what happened.

    Args:
        path: The folder of a compiled model, or the shared library in it; or the
            folder of a SavedModel.
        **keywords: The fields of ``LoadOptions``.
        options: All of those in one value; keywords beside it replace what they name.

    Raises:
        InvalidArgumentError: An option is not of its kind, or is not for this model or
            backend.
        NotFoundError: There is no such file or folder; no TensorFlow to run the model,
            or its first ops; or no such GPU.
        FailedPreconditionError: TensorFlow's library is older than 2.16 or cannot be
            used, or the process has other ``intra_op_threads``.
        UnimplementedError: TensorFlow cannot be used for any of the signatures, which
            have sparse or ragged tensors.
        SignatureError: No key of ``trusted_keys`` has signed it.
        PermissionDeniedError: Somebody else can change what is in the cache.
        LoadError: It is truncated, damaged, no model, or made for another machine,
            CPU or version. The message says which.
    """
    asked = combine(LoadOptions, options, keywords, "load")
    checked_path("path", path)
    if asked.backend == "tensorflow":
        _refuse(asked.given(COMPILED, COMPILING), 'not for backend="tensorflow"')
        return _load_tensorflow(path, asked)
    if not is_saved_model(path):
        for_saved_models = asked.given(COMPILING, SAVED_MODELS, TENSORFLOW)
        _refuse(for_saved_models, f"for SavedModels, and {os.fspath(path)} is none")
        if asked.backend == "auto":
            _check_artifact(path)
        return NativeModel(path, **native_keywords(asked))
    if asked.trusted_keys is not None:
        raise InvalidArgumentError(
            f"trusted_keys: for compiled models, and {os.fspath(path)} is a "
            "SavedModel: compile it, and sign what the compiler makes"
        )
    if asked.backend != "auto":
        raise InvalidArgumentError(
            f"{os.fspath(path)} is a SavedModel: compile it (`tfnative compile "
            f'{os.fspath(path)} -o ...`) or load it with backend="auto" or "tensorflow"'
        )
    from tfnative._backends.auto.choose import load_auto
    from tfnative._backends.auto.request import Request

    return load_auto(Request(Path(path), asked))


def _load_tensorflow(
    path: str | os.PathLike[str], options: LoadOptions
) -> TensorflowModel:
    from tfnative._backends.tensorflow.model import TensorflowModel

    tags = ("serve",) if options.tags is None else options.tags
    return TensorflowModel(path, tags=tags, **options.given(TENSORFLOW))


def is_saved_model(path: str | os.PathLike[str]) -> bool:
    """Whether a path is the folder of a SavedModel."""
    return any(os.path.isfile(os.path.join(path, name)) for name in _SAVED_MODEL_FILES)


def _check_artifact(path: str | os.PathLike[str]) -> None:
    if os.path.isdir(path) and not any(Path(path).glob("lib*.so")):
        raise LoadError(
            f"{os.fspath(path)} is neither a compiled model nor a SavedModel: it has "
            "no lib*.so and no saved_model.pb"
        )


def _refuse(options: Iterable[str], reason: str) -> None:
    if names := ", ".join(options):
        raise InvalidArgumentError(f"{names}: {reason}")
