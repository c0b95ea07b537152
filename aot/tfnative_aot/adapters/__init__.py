# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Chooses the adapter for the TensorFlow that is installed.

All that touches TensorFlow's private modules is in the adapter files, four for each
TensorFlow minor version: ``tf_X_Y`` works inside a TensorFlow process, ``lean_X_Y``
makes importing it quick, ``xla_X_Y`` runs tfcompile and reads what it wrote without
importing TensorFlow, and ``tool_X_Y`` has the Graph Transform Tool alone.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.metadata
import importlib.util
from types import ModuleType

from tfnative.errors import FailedPreconditionError

SUPPORTED = ("2.21",)
"""Minor versions of TensorFlow that there are adapters for."""

_DISTRIBUTIONS = ("tensorflow", "tensorflow-cpu", "tensorflow-cpu-aws")


def tf() -> ModuleType:
    """The adapter for work inside a TensorFlow process. Imports TensorFlow.

    Raises:
        FailedPreconditionError: TensorFlow is missing or not a supported version.
    """
    return _adapter("tf")


def xla() -> ModuleType:
    """The adapter for tfcompile and its results. Does not import TensorFlow.

    Raises:
        FailedPreconditionError: TensorFlow is missing or not a supported version.
    """
    return _adapter("xla")


def tool() -> ModuleType:
    """The adapter for the Graph Transform Tool. Imports little of TensorFlow if lean.

    Raises:
        FailedPreconditionError: TensorFlow is missing or not a supported version.
    """
    return _adapter("tool")


def import_lean() -> None:
    """Lets ``import tensorflow`` load what compiling needs, and the rest on demand.

    For processes that are all ours, and before they import TensorFlow. Where there is
    no TensorFlow, or another version, nothing changes.
    """
    with contextlib.suppress(FailedPreconditionError):  # Who needs it will say so.
        _adapter("lean").install()


def tensorflow_version() -> str:
    """The installed TensorFlow's version, found without importing it.

    Raises:
        FailedPreconditionError: TensorFlow is missing.
    """
    if importlib.util.find_spec("tensorflow") is not None:
        for name in _DISTRIBUTIONS:
            try:
                return importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                continue
    raise FailedPreconditionError(
        "compiling a model needs TensorFlow, which is not installed: "
        'pip install "tfnative[aot]"'
    )


def supported_version() -> str:
    """The installed TensorFlow's version, if there are adapters for it.

    Raises:
        FailedPreconditionError: TensorFlow is missing or not a supported version.
    """
    version = tensorflow_version()
    if _minor(version) not in SUPPORTED:
        raise FailedPreconditionError(
            f"TensorFlow {version} is installed, but this tfnative compiles with "
            f'TensorFlow {", ".join(SUPPORTED)} only: pip install "tfnative[aot]"'
        )
    return version


@functools.cache
def _adapter(kind: str) -> ModuleType:
    minor = _minor(supported_version())
    return importlib.import_module(f"{__name__}.{kind}_{minor.replace('.', '_')}")


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])
