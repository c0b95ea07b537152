# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Runs a SavedModel with compiled code where that is possible, else with TensorFlow."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tfnative._backends.auto.arguments import compile_options
from tfnative._backends.auto.maker import Maker, NotNowError
from tfnative._backends.native.model import NativeModel, native_keywords
from tfnative._backends.options import TENSORFLOW
from tfnative._base.permissions import check_tree_unwritable
from tfnative._cache.digest import folder_digest
from tfnative._cache.entry import FORMAT, Entry, Refusal
from tfnative._cache.folder import check_cache
from tfnative._cache.store import Store
from tfnative._compile import door
from tfnative._core import __version__
from tfnative.errors import (
    Error,
    FailedPreconditionError,
    LoadError,
    PermissionDeniedError,
    ResourceExhaustedError,
)

if TYPE_CHECKING:
    from tfnative._backends.auto.request import Request
    from tfnative._model import Model


def load_auto(request: Request) -> Model:
    """Loads a SavedModel; ``backend`` and ``backend_reason`` say what runs it."""
    device = str(request.options.device or "")
    if "gpu" in device.lower():
        return _run_with_tensorflow(
            request, f"device={device!r} was asked for; compiled code runs on CPUs"
        )
    found = _native(request)
    if isinstance(found, str):
        return _run_with_tensorflow(request, found)
    return found


def _native(request: Request) -> NativeModel | str:
    """The compiled model, or why there is none."""
    options = compile_options(request)
    digest = folder_digest(request.path)
    content = [digest, options.to_json(), request.level, __version__, FORMAT]
    prefix = _hash(content)[:40]
    try:
        store = Store()
        check_cache(store.folder)
        versions = door.versions()
    except PermissionDeniedError:
        raise
    except Error as error:
        return _made_elsewhere(request, prefix) or f"it is not compiled: {error}"
    key = f"{prefix}-{_hash(versions)[:16]}"
    maker = Maker(request, options, versions, digest)

    def use(entry: Entry) -> NativeModel | str:
        if entry.refusal is not None:
            return _say_refusal(entry.refusal)
        return _open(request, entry, maker.how(entry))

    try:
        return store.obtain(key, maker.make, use, maker.wait)
    except NotNowError as error:
        return str(error)
    except (FailedPreconditionError, ResourceExhaustedError) as error:
        return f"it is not compiled: {error}"
    except LoadError as error:
        return f"it was compiled, but cannot be loaded: {error}"
    finally:
        maker.line.clear()


def _made_elsewhere(request: Request, prefix: str) -> NativeModel | None:
    """What a machine with a compiler has put into the cache, where there is none."""
    try:
        entry = Store().find_like(prefix)
        if entry is None or entry.refusal is not None:
            return None
        entry.check()
        model = _open(request, entry, "compiled code from the cache")
    except PermissionDeniedError:
        raise
    except Error:
        return None
    entry.touch()
    return model


def _open(request: Request, entry: Entry, how: str) -> NativeModel:
    check_tree_unwritable(entry.artifact, "the cached model")
    model = NativeModel(entry.artifact, **native_keywords(request.options))
    left_out = set(entry.signatures) - set(model.signatures)
    if "serving_default" in model.signatures:
        left_out.discard("serve")  # The same function, as Keras saves it.
    if left_out:
        how += (
            f"; not compiled: {', '.join(sorted(left_out))} (signatures=... names them)"
        )
    model.path = os.fspath(request.path)
    if model.backend_reason:  # A part of it was not compiled.
        how += f"; {model.backend_reason}"
    model.backend_reason = how
    options = replace(request.options, threads=model.threads)
    again = replace(request, path=Path(os.path.abspath(request.path)), options=options)
    model._reload_as(load_auto, again)
    return model


def _say_refusal(refusal: Refusal) -> str:
    if refusal.ops:
        return (
            f"it cannot be compiled because of {', '.join(refusal.ops)}\n"
            f"{refusal.reason}"
        )
    return f"it cannot be compiled: {refusal.reason}"


def _run_with_tensorflow(request: Request, reason: str) -> Model:
    from tfnative._backends.tensorflow.model import TensorflowModel

    if request.options.constants:
        raise FailedPreconditionError(
            f"{request.path}: constants are for compiled code only, and the model "
            f"cannot fall back to TensorFlow; {reason}"
        )
    try:
        model: Model = TensorflowModel(
            request.path, tags=request.tags, **request.options.given(TENSORFLOW)
        )
    except Error as error:
        raise type(error)(
            f"{error}\nTensorFlow was to run it since {reason}"
        ) from error
    model.backend_reason = reason
    return model


def _hash(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
