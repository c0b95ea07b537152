# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Replays the golden vectors of artifacts for other machines, in an emulator."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tfnative.errors import FailedPreconditionError, LoadError
from tfnative.manifest import Manifest, SignatureManifest
from tfnative_aot.link.runner import link_runner
from tfnative_aot.machines.emulator import emulator, runs_level
from tfnative_aot.machines.targets import find_target
from tfnative_aot.verify.execute import InProgram

Arrays = Mapping[str, npt.NDArray[Any]]


class ForeignArtifact:
    """An artifact that this machine cannot load, linked into a program.

    Raises:
        FailedPreconditionError: There is no emulator for it here, no compiler, or no
            libNAME.a in the artifact.
    """

    def __init__(self, artifact: Path, manifest: Manifest) -> None:
        self._manifest = manifest
        self._folder = tempfile.TemporaryDirectory(prefix="tfnative-")
        self._target = target = find_target(manifest.triple)
        prefix = emulator(target)
        if prefix is None:
            raise FailedPreconditionError(
                f"{artifact} is for {target.name}, which nothing here can run: where "
                "QEMU's qemu-user is installed, Linux on other processors can be"
            )
        self._prefix = prefix
        archive = artifact / f"lib{manifest.name}.a"
        if not archive.is_file():
            raise FailedPreconditionError(
                f"{artifact} is for {target.name}: to run it, its {archive.name} is "
                "needed (`tfnative compile --static`)"
            )
        program = Path(self._folder.name) / "run_artifact"
        if link_runner(artifact, manifest.name, target, program) is None:
            raise FailedPreconditionError(
                f"{artifact} is for {target.name}, and there is no compiler for it here"
            )
        weights = artifact / f"{manifest.name}.weights"
        self._runner = InProgram(
            program, manifest, prefix, weights if weights.is_file() else None
        )

    def runs(self, level: str) -> bool:
        """Whether code for a CPU level runs here; for a named CPU, it is tried."""
        known = {each.name: each for each in self._target.named_levels}
        return level not in known or runs_level(self._prefix, known[level])

    def close(self) -> None:
        """Removes the program."""
        self._folder.cleanup()

    def predict(self, signature: str, level: str, inputs: Arrays) -> Arrays:
        """Outputs for any number of rows, which are padded, or run one by one."""
        known = self._manifest.signatures[signature]
        rows = _rows(known, inputs)
        if rows is None:
            return self._runner.run(signature, 0, level, inputs)
        size = _batch_size(known, rows)
        batched = _batched(known)
        outputs: list[Arrays] = []
        for first in range(0, rows, size):
            chunk = {
                name: np.resize(array[first : first + size], (size, *array.shape[1:]))
                if name in batched
                else array
                for name, array in inputs.items()
            }
            outputs.append(self._runner.run(signature, size, level, chunk))
        return {
            name: np.concatenate([each[name] for each in outputs])[:rows]
            for name in outputs[0]
        }


def _rows(known: SignatureManifest, inputs: Arrays) -> int | None:
    if not known.batch_sizes:
        return None
    return len(inputs[_batched(known)[0]])


def _batched(known: SignatureManifest) -> list[str]:
    """Inputs that have rows."""
    return [t.name for t in known.inputs if t.shape[:1] == (-1,)]


def _batch_size(known: SignatureManifest, rows: int) -> int:
    if known.rows_independent:
        return min(known.batch_sizes, key=lambda size: abs(size - rows))
    if rows not in known.batch_sizes:
        raise LoadError(f"golden vectors have {rows} rows, which are not compiled")
    return rows


def replay(
    artifact: Path,
    manifest: Manifest,
    read: Callable[[str], tuple[Arrays, Arrays]],
) -> Iterator[tuple[str, str, Arrays, Arrays]]:
    """Runs each signature on its golden vectors, at each CPU level.

    Args:
        artifact: Its folder.
        manifest: Of it.
        read: Gives a signature's golden inputs, and TensorFlow's outputs.

    Yields:
        Signature, level, the outputs, and TensorFlow's.
    """
    foreign = ForeignArtifact(artifact, manifest)
    try:
        for signature in manifest.signatures:
            inputs, expected = read(signature)
            for level in manifest.cpu_levels:
                if not foreign.runs(level):
                    continue
                yield (
                    signature,
                    level,
                    foreign.predict(signature, level, inputs),
                    expected,
                )
    finally:
        foreign.close()
