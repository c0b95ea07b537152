# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Loads a version of a model, and tries it before it may take requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfnative._backends.load import is_saved_model, load
from tfnative._backends.options import LoadOptions
from tfnative._base.forked import lock_held_by_fork
from tfnative._base.permissions import check_tree_unwritable
from tfnative._model import Model
from tfnative.errors import Error, LoadError, SignatureError

if TYPE_CHECKING:
    from pathlib import Path

    from tfnative._measure.selftest import SelfTestReport

# Held while a library is opened and tested: a child of fork would find that half done.
# To wait for it is safe since no code of users runs meanwhile.
_opening = lock_held_by_fork()


@dataclass(frozen=True)
class VersionOptions:
    """How versions are loaded.

    Attributes:
        load: For ``tfnative.load``. All versions share its threads.
        selftest: Whether to replay the recorded inputs and outputs.
        warmup: Whether to do what the first requests would have to wait for.
        before_load: Called with a version's folder before anything of it is read or
            run; what it raises is why the version is not loaded.
        on_load: Called with a model and its folder after that; what it raises is why
            the version cannot be loaded.
        strict_permissions: Whether nobody else may be able to change a version's files.
    """

    load: LoadOptions
    selftest: bool = True
    warmup: bool = True
    on_load: Callable[[Model, Path], object] | None = None
    before_load: Callable[[Path], object] | None = None
    strict_permissions: bool = False


def load_version(folder: Path, options: VersionOptions) -> Model:
    """A model that is ready to take requests.

    Raises:
        Error: It cannot be loaded, has not passed its selftest, or fails to warm up.
            What other exceptions say is in a LoadError.
    """
    try:
        if options.before_load is not None:
            options.before_load(folder)
        if options.strict_permissions:
            check_tree_unwritable(folder, "the model")
        model = _open(folder, options)
        if options.warmup:
            model.warmup()
        if options.on_load is not None:
            options.on_load(model, folder)
    except Error:
        raise
    except Exception as error:
        problem = f"cannot load {str(folder)!r}: {type(error).__name__}: {error}"
        raise LoadError(problem) from None
    return model


def _open(folder: Path, options: VersionOptions) -> Model:
    if is_saved_model(folder) and options.load.trusted_keys is not None:
        raise SignatureError(
            f"{str(folder)!r} is a SavedModel, which is not signed: compile it, and "
            "sign what the compiler makes"
        )
    if is_saved_model(folder) and options.load.backend == "tensorflow":
        return load(folder, backend="tensorflow")  # Its threads are TensorFlow's.
    if is_saved_model(folder) and options.load.backend == "auto":
        # That takes long if it has to be compiled, and it is compared with TensorFlow.
        return load(folder, options=options.load)
    with _opening:
        how = options.load
        model = load(
            folder,
            cpu_level=how.cpu_level,
            threads=how.threads,
            map_in_place=how.map_in_place,
            trusted_keys=how.trusted_keys,
        )
        if options.selftest:
            _test(folder, model.cpu_level, how)
        return model


def _test(folder: Path, cpu_level: str, how: LoadOptions) -> None:
    from tfnative._measure.selftest import selftest

    report = selftest(
        folder,
        cpu_level=cpu_level,
        map_in_place=how.map_in_place,
        trusted_keys=how.trusted_keys,
    )
    if not report.passed:
        raise LoadError(f"{str(folder)!r} fails its selftest: {_problems(report)}")


def _problems(report: SelfTestReport) -> str:
    problems = [] if report.weights_intact else ["its weights are damaged"]
    problems += [
        f"output {check.output!r} of signature {check.signature!r} is off by "
        f"{check.max_rel_error:.2g}, where {check.tolerance:.2g} is allowed"
        for check in report.checks
        if not check.passed
    ]
    return "; ".join(problems) or "there is nothing to compare with"
