# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Runs artifacts: those for this machine in the process, others in an emulator."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tfnative._backends.native.model import NativeModel
from tfnative.errors import CompileError, InvalidArgumentError
from tfnative.manifest import Manifest, TensorManifest
from tfnative_aot.artifact.build import Trial
from tfnative_aot.load.dtypes import numpy_dtype
from tfnative_aot.machines.cpu_levels import batch_text

Arrays = Mapping[str, npt.NDArray[Any]]

_SECONDS = 600.0
"""That one run may take in an emulator."""

_CHECK_FAILED = 3
"""Exit code of cpp/runner/run_artifact.c."""


class Executor(Protocol):
    """Runs variants of an artifact."""

    def run(
        self, signature: str, batch_size: int, level: str, inputs: Arrays
    ) -> Arrays:
        """Outputs of exactly so many rows, by the code of a level, before a tail.

        Raises:
            InvalidArgumentError: A check of the code failed.
        """

    def close(self) -> None:
        """Lets go of what is loaded."""


@dataclass
class InProcess:
    """Loads the artifact's library into this process.

    Attributes:
        artifact: Its folder.
    """

    artifact: Path

    def __post_init__(self) -> None:
        self._models: dict[str, NativeModel] = {}

    def run(
        self, signature: str, batch_size: int, level: str, inputs: Arrays
    ) -> Arrays:
        """As ``Executor.run``."""
        del batch_size
        if level not in self._models:
            self._models[level] = NativeModel(self.artifact, cpu_level=level)
        return self._models[level]._predict_between(inputs, signature, exact=True)

    def close(self) -> None:
        """Lets go of the library."""
        for model in self._models.values():
            model.close()
        self._models.clear()


@dataclass(frozen=True)
class InProgram:
    """Links the artifact's archive into a program, and starts that for each run.

    Attributes:
        program: Made by ``link_runner``.
        manifest: The artifact's.
        prefix: What runs programs for its target, as ("qemu-aarch64",); empty if this
            machine does.
        weights: File with its weights, if they are apart.
    """

    program: Path
    manifest: Manifest
    prefix: tuple[str, ...]
    weights: Path | None = None

    def run(
        self, signature: str, batch_size: int, level: str, inputs: Arrays
    ) -> Arrays:
        """As ``Executor.run``."""
        known = self.manifest.signatures[signature]
        sizes = known.batch_sizes or (0,)
        variant = self.manifest.cpu_levels.index(level) * len(sizes)
        variant += sizes.index(batch_size)
        position = list(self.manifest.signatures).index(signature)
        command = [*self.prefix, str(self.program), str(position), str(variant)]
        if self.weights is not None:
            command.append(str(self.weights))
        data = b"".join(_bytes(inputs[t.name], t, batch_size) for t in known.inputs)
        done = subprocess.run(
            command, input=data, capture_output=True, check=False, timeout=_SECONDS
        )
        said = done.stderr.decode(errors="replace").strip()[-500:]
        if done.returncode == _CHECK_FAILED:
            raise InvalidArgumentError(f"signature {signature!r}: {said}")
        if done.returncode != 0:
            raise CompileError(
                f"signature {signature!r}, {batch_text(batch_size)}, {level}: "
                f"`{shlex.join(command)}` ended with {done.returncode}: {said}"
            )
        return _read_outputs(done.stdout, known.outputs, batch_size)

    def close(self) -> None:
        """Nothing is loaded between runs."""


def executor(trial: Trial) -> InProcess | InProgram | None:
    """What runs an artifact that was built to be tried; None if nothing here can."""
    if not trial.levels:
        return None
    if trial.program is None:
        return InProcess(trial.artifact)
    return InProgram(trial.program, trial.manifest, trial.prefix, trial.weights)


def _bytes(array: npt.NDArray[Any], spec: TensorManifest, batch_size: int) -> bytes:
    array = np.ascontiguousarray(array)
    expected = _shape(spec, batch_size)
    if array.shape != expected:
        raise CompileError(f"input {spec.name!r} is {array.shape}, not {expected}")
    return array.tobytes()


def _read_outputs(
    data: bytes, specs: Sequence[TensorManifest], batch_size: int
) -> dict[str, npt.NDArray[Any]]:
    outputs = {}
    at = 0
    for spec in specs:
        shape = _shape(spec, batch_size)
        dtype = numpy_dtype(spec.dtype)
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        outputs[spec.name] = np.frombuffer(data[at : at + size], dtype).reshape(shape)
        at += size
    return outputs


def _shape(spec: TensorManifest, batch_size: int) -> tuple[int, ...]:
    return tuple(batch_size if size == -1 else size for size in spec.shape)
