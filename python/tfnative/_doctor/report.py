# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""All of it, and what follows."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

import numpy as np

from tfnative import cache
from tfnative._cache.folder import check_cache
from tfnative._core import __version__
from tfnative._doctor.compiling import Compiling, find_compiling
from tfnative._doctor.machine import Cpu, find_cpu
from tfnative._doctor.tensorflow import Tensorflow, find_tensorflow
from tfnative.errors import Error

FEATURES = ("compile", "tensorflow", "gpu")
"""What ``--require`` may ask for."""

_VARIABLES = frozenset(
    {"TFNATIVE_CACHE", "TFNATIVE_CPU_LEVEL", "TFNATIVE_LIBTENSORFLOW"}
)
_OTHER_VARIABLES = ("CC", "CXX", "CUDA_VISIBLE_DEVICES", "XDG_CACHE_HOME")


@dataclass(frozen=True)
class Missing:
    """Something that is not here.

    Attributes:
        feature: Of ``FEATURES``; or "" for what is only worth knowing.
        what: What is missing or wrong.
        purpose: What it is for.
        fix: What installs it, or sets it right; "" if ``what`` says so.
    """

    feature: str
    what: str
    purpose: str
    fix: str


@dataclass(frozen=True)
class CacheState:
    """The cache of compiled models.

    Attributes:
        path: Its folder.
        models: How many are in it.
        bytes: The space that they take.
        kernels_bytes: The space that compiled kernels take.
        problem: Why it cannot be used, or "".
    """

    path: str
    models: int
    bytes: int
    kernels_bytes: int
    problem: str


@dataclass(frozen=True)
class Report:
    """What is here.

    Attributes:
        tfnative: Its version.
        python: Its version.
        executable: The interpreter.
        system: The operating system and its libc.
        packages: Versions of the packages that matter; None if one is missing.
        cpu: The CPU.
        tensorflow: TensorFlow's library.
        compiling: What compiles.
        cache: The cache.
        environment: The variables that matter, as far as they are set.
        missing: What is not here, with what it is for.
    """

    tfnative: str
    python: str
    executable: str
    system: str
    packages: Mapping[str, str | None]
    cpu: Cpu
    tensorflow: Tensorflow
    compiling: Compiling
    cache: CacheState
    environment: Mapping[str, str]
    missing: tuple[Missing, ...]

    def lacks(self, feature: str) -> bool:
        """Whether a feature cannot be used."""
        return any(missing.feature == feature for missing in self.missing)


def examine() -> Report:
    """Looks at everything. Takes a second or two, most of it for TensorFlow."""
    cpu, tensorflow, compiling = find_cpu(), find_tensorflow(), find_compiling()
    state, environment = _cache_state(), _environment()
    return Report(
        tfnative=__version__,
        python=platform.python_version(),
        executable=sys.executable,
        system=" ".join(
            [platform.system(), platform.release(), *platform.libc_ver()]
        ).strip(),
        packages={"numpy": np.__version__, "ml_dtypes": _version("ml_dtypes")},
        cpu=cpu,
        tensorflow=tensorflow,
        compiling=compiling,
        cache=state,
        environment=environment,
        missing=(
            *_missing_cpu(cpu),
            *_missing_compiling(compiling),
            *_missing_tensorflow(tensorflow),
            *_missing_rest(state, environment),
        ),
    )


def _missing_cpu(cpu: Cpu) -> list[Missing]:
    if cpu.problem:
        fix = f"unset it, or set one of {', '.join(cpu.levels)}"
        return [Missing("", cpu.problem, "to run compiled models", fix)]
    if not cpu.levels:
        what = f"CPU levels that models are compiled for; this CPU is {cpu.machine}"
        return [Missing("", what, "to run compiled models", "")]
    return []


def _missing_compiling(compiling: Compiling) -> list[Missing]:
    purpose = 'to compile models: `tfnative compile`, and load(..., backend="auto")'
    return [Missing("compile", what, purpose, "") for what in compiling.problems]


def _missing_tensorflow(tensorflow: Tensorflow) -> list[Missing]:
    purpose = "to run models that cannot be compiled: strings, tables, state"
    missing = []
    if tensorflow.problem:
        fix = "" if "pip install" in tensorflow.problem else "pip install tensorflow"
        what = f"TensorFlow's library: {tensorflow.problem}"
        missing.append(Missing("tensorflow", what, purpose, fix))
    if not tensorflow.gpus:
        what = "a GPU that TensorFlow can use"
        fix = 'an NVIDIA driver, and pip install "tensorflow[and-cuda]"'
        on_gpus = 'to run models on GPUs: load(..., device="gpu")'
        missing.append(Missing("gpu", what, on_gpus, fix))
    return missing


def _missing_rest(state: CacheState, environment: Mapping[str, str]) -> list[Missing]:
    missing = []
    if state.problem:
        purpose = 'to keep what load(..., backend="auto") compiles'
        fix = "set TFNATIVE_CACHE to a folder that can be written to"
        missing.append(Missing("", state.problem, purpose, fix))
    for name in environment:
        if name.startswith("TFNATIVE_") and name not in _VARIABLES:
            what = f"{name} is set, but tfnative does not know it"
            known = ", ".join(sorted(_VARIABLES))
            missing.append(Missing("", what, f"known are {known}", f"unset {name}"))
    return missing


def _cache_state() -> CacheState:
    try:
        folder = cache.path()
    except Error as error:
        return CacheState("", 0, 0, 0, str(error))
    try:
        check_cache(folder)
    except Error as error:
        return CacheState(str(folder), 0, 0, 0, str(error))
    entries = cache.entries()
    return CacheState(
        path=str(folder),
        models=len(entries),
        bytes=sum(entry.bytes for entry in entries),
        kernels_bytes=cache.kernels_bytes(),
        problem=_why_not_writable(folder),
    )


def _why_not_writable(folder: Path) -> str:
    """Why the cache could not be made or written to, or ""; makes nothing."""
    there = next((path for path in (folder, *folder.parents) if path.exists()), None)
    if there is None or not there.is_dir():
        return f"the cache {folder} cannot be made: {there} is no folder"
    if not os.access(there, os.W_OK | os.X_OK):
        return f"the cache {folder} cannot be written to: no permission for {there}"
    return ""


def _environment() -> dict[str, str]:
    return {
        name: value
        for name, value in sorted(os.environ.items())
        if name.startswith("TFNATIVE_") or name in _OTHER_VARIABLES
    }


def _version(package: str) -> str | None:
    if util.find_spec(package) is None:
        return None
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"
