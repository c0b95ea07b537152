# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Runs a SavedModel with compiled code where that is possible, else with TensorFlow."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import operator
import os
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfnative._backends.native.model import NativeModel
from tfnative._base.progress_line import ProgressLine
from tfnative._cache.digest import folder_digest
from tfnative._cache.entry import ARTIFACT, FORMAT, Entry, Refusal, describe_library
from tfnative._cache.store import Store
from tfnative._core import __version__, host_cpu_level
from tfnative.errors import (
    CompileError,
    Error,
    FailedPreconditionError,
    InvalidArgumentError,
    LoadError,
    NotFoundError,
    ResourceExhaustedError,
    UnimplementedError,
)

if TYPE_CHECKING:
    from tfnative._compile.process import Outcome
    from tfnative._core import ThreadPool
    from tfnative._model import Model

DEFAULT_BATCH_SIZES = (1, 8, 32)
"""So that both a single row and many are fast."""

_RETRY_SECONDS = 24 * 3600
_COMPILED_LEVELS = ("x86-64-v2", "x86-64-v3", "x86-64-v4")


@dataclass(frozen=True)
class CompileOptions:
    """How to compile what is not compiled yet; see ``load``."""

    signatures: Sequence[str] | None = None
    batch_sizes: Sequence[int] | None = None
    shapes: Mapping[str, Sequence[int]] | None = None
    rtol: float | None = None

    def given(self) -> list[str]:
        """The names of those that are set."""
        return [name for name, value in vars(self).items() if value is not None]


@dataclass(frozen=True)
class Request:
    """A SavedModel, and how its user wants it."""

    path: Path
    tags: Sequence[str] = ("serve",)
    cpu_level: str | None = None
    threads: int | ThreadPool = 1
    compile: CompileOptions = field(default_factory=CompileOptions)
    tensorflow: Mapping[str, Any] = field(default_factory=dict)

    @property
    def level(self) -> str:
        """The CPU level to compile for."""
        return (
            self.cpu_level or os.environ.get("TFNATIVE_CPU_LEVEL") or host_cpu_level()
        )

    @property
    def names_own(self) -> bool:
        """Whether what the compiler does not find may be this request's mistake."""
        asks = {"signatures", "shapes", "batch_sizes"} & set(self.compile.given())
        return bool(asks or self.cpu_level or os.environ.get("TFNATIVE_CPU_LEVEL"))


class _NotNowError(Exception):
    """It was not compiled, for a reason that need not hold the next time."""


def load_auto(request: Request) -> Model:
    """Loads a SavedModel; ``backend`` and ``backend_reason`` say what runs it."""
    device = str(request.tensorflow.get("device") or "")
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
    options = _options(request)
    digest = folder_digest(request.path)
    content = [digest, options, request.level, __version__, FORMAT]
    prefix = _hash(content)[:40]
    try:
        store = Store()
        versions = _versions()
    except Error as error:
        return _made_elsewhere(request, prefix) or f"it is not compiled: {error}"
    key = f"{prefix}-{_hash(versions)[:16]}"
    maker = _Maker(request, options, versions, digest)
    try:
        return store.obtain(key, maker.make, maker.use, maker.wait)
    except _NotNowError as error:
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
    except Error:
        return None
    entry.touch()
    return model


class _Maker:
    """Makes the cache's entry of a request, and loads it."""

    def __init__(
        self,
        request: Request,
        options: Mapping[str, Any],
        versions: Mapping[str, str],
        digest: str,
    ) -> None:
        self._request = request
        self._options = options
        self._versions = versions
        self._digest = digest
        self._made = False
        self.line = ProgressLine(f"tfnative: compiling {request.path.name}")

    def wait(self) -> None:
        """Somebody else is making it."""
        self.line.stage("waiting for another process that compiles it", at_once=True)

    def make(self, folder: Path) -> Entry:
        """See ``Store.obtain``."""
        from tfnative._compile.process import compile_in_process

        self._made = True
        path, temporary = self._request.path, folder / "temporary"
        temporary.mkdir()
        outcome = compile_in_process(
            path, folder / ARTIFACT, self._options, self.line, temporary=temporary
        )
        shutil.rmtree(temporary)
        refusal = self._refusal(outcome, folder)
        if folder_digest(path) != self._digest:
            raise _NotNowError(f"{path} was changed while it was compiled")
        return Entry(
            key="",
            source=os.path.abspath(path),
            options=self._options,
            versions=self._versions,
            created=0,
            seconds=0,
            signatures=outcome.signatures,
            library=None if refusal else describe_library(folder),
            refusal=refusal,
        )

    def use(self, entry: Entry) -> NativeModel | str:
        """See ``Store.obtain``."""
        if entry.refusal is not None:
            return _say_refusal(entry.refusal)
        how = "compiled code from the cache"
        if self._made:
            how = f"compiled for {self._request.level} in {entry.seconds:.1f} s"
        return _open(self._request, entry, how)

    def _refusal(self, outcome: Outcome, folder: Path) -> Refusal | None:
        error = outcome.error
        if error is None:
            return self._dependent_rows(folder)
        mistakes = (InvalidArgumentError, NotFoundError, UnimplementedError)
        if isinstance(error, mistakes):
            if self._request.names_own:
                raise error
            return Refusal(str(error))
        if not isinstance(error, CompileError) or "No space left" in str(error):
            raise _NotNowError(f"it could not be compiled: {error}")
        lasting = outcome.stage == "freeze and check"
        until = None if lasting else time.time() + _RETRY_SECONDS
        return Refusal(str(error), error.ops, until)

    def _dependent_rows(self, folder: Path) -> Refusal | None:
        """Refuses what could not take any number of rows, unless numbers were named."""
        from tfnative.manifest import Manifest

        if self._request.compile.batch_sizes is not None:
            return None
        text = (folder / ARTIFACT / "manifest.json").read_text()
        for name, signature in Manifest.from_json(text).signatures.items():
            if signature.batch_sizes and not signature.rows_independent:
                return Refusal(
                    f"the rows of signature {name!r} influence each other, so that "
                    "compiled code could take certain numbers of rows only; "
                    "batch_sizes=... names them"
                )
        return None


def _open(request: Request, entry: Entry, how: str) -> NativeModel:
    model = NativeModel(
        entry.artifact, cpu_level=request.cpu_level, threads=request.threads
    )
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
    again = replace(
        request, path=Path(os.path.abspath(request.path)), threads=model.threads
    )
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

    try:
        model: Model = TensorflowModel(
            request.path, tags=request.tags, **request.tensorflow
        )
    except Error as error:
        raise type(error)(
            f"{error}\nTensorFlow was to run it since {reason}"
        ) from error
    model.backend_reason = reason
    return model


def _versions() -> Mapping[str, str]:
    """What would compile a model here.

    Raises:
        FailedPreconditionError: Something for it is missing.
        NotFoundError: There is no C compiler.
    """
    if importlib.util.find_spec("tfnative_aot") is None:
        raise FailedPreconditionError(
            "compiling a model needs tfnative_aot, which is not installed: "
            'pip install "tfnative[aot]"'
        )
    from tfnative_aot.build_side import versions

    return versions()


def _options(request: Request) -> dict[str, Any]:
    """The arguments of ``tfnative.compile``, as JSON has them.

    Raises:
        InvalidArgumentError: They are not of the right types.
    """
    given = request.compile
    level = request.level
    for name, value in (("signatures", given.signatures), ("tags", request.tags)):
        if isinstance(value, str):
            raise InvalidArgumentError(
                f"{name} must be a list of names, got the text {value!r}"
            )
    batch_sizes = given.batch_sizes
    if batch_sizes is None:
        batch_sizes = DEFAULT_BATCH_SIZES
    try:
        if not all(size >= 1 for size in batch_sizes) or not len(batch_sizes):
            raise ValueError(f"batch sizes must be from 1 on, got {batch_sizes}")
        return {
            "name": _name(request.path),
            "signatures": None if given.signatures is None else list(given.signatures),
            "batch_sizes": sorted({operator.index(size) for size in batch_sizes}),
            "shapes": None
            if given.shapes is None
            else {
                name: [operator.index(size) for size in shape]
                for name, shape in sorted(given.shapes.items())
            },
            "rtol": None if given.rtol is None else float(given.rtol),
            "tags": sorted(request.tags),
            "cpus": [_compilable(request, level)],
        }
    except (TypeError, ValueError, AttributeError) as error:
        raise InvalidArgumentError(
            f"options to compile {request.path} with: {error}"
        ) from error


def _compilable(request: Request, level: str) -> str:
    """The level as the compiler calls it."""
    asked = request.cpu_level or os.environ.get("TFNATIVE_CPU_LEVEL")
    return level if asked or level in _COMPILED_LEVELS else "native"


def _name(path: Path) -> str:
    """A name for the compiled model: that of its folder, or of the one above it."""
    path = Path(os.path.abspath(path))
    name = path.name
    if name.isdigit():  # A version.
        name = f"{path.parent.name}_{name}"
    name = re.sub(r"[^A-Za-z0-9_]", "_", name)[:60]
    return name if re.match("[A-Za-z]", name) else f"model_{name}"


def _hash(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
