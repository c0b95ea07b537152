# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Replays an artifact's golden vectors on the machine at hand."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfnative._backends.load import load
from tfnative._backends.native.golden import (
    between_arrays,
    input_arrays,
    output_arrays,
    read_golden,
)
from tfnative._backends.native.model import NativeModel
from tfnative._backends.options import LoadOptions
from tfnative._base.options.kinds import Paths
from tfnative._base.regular_file import read_regular
from tfnative._base.text import checked_path
from tfnative._compile import door
from tfnative.errors import Error, InvalidArgumentError, LoadError
from tfnative.manifest import Manifest

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tfnative.manifest import SignatureManifest

# Where the manifest has no tolerance for an output.
_TOLERANCES = {"float16": 1e-2, "bfloat16": 5e-2, "float32": 1e-5, "complex64": 1e-5}
_DOUBLE_TOLERANCE = 1e-10


@dataclass(frozen=True)
class OutputCheck:
    """How far one output is from what TensorFlow gave when the model was compiled.

    Attributes:
        signature: Name of the signature.
        output: Name of the output.
        cpu_level: CPU level whose code ran.
        max_abs_error: Largest difference of an element.
        max_rel_error: The same, divided by the largest value of TensorFlow's.
        tolerance: The largest ``max_rel_error`` that is allowed.
    """

    signature: str
    output: str
    cpu_level: str
    max_abs_error: float
    max_rel_error: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance."""
        return self.max_rel_error <= self.tolerance


@dataclass(frozen=True)
class SelfTestReport:
    """What ``selftest`` found.

    Attributes:
        name: Name of the model.
        weights_intact: Whether the weights have the digest in the manifest.
        checks: One for each signature, output and CPU level.
        skipped_cpu_levels: Levels that this CPU cannot run.
    """

    name: str
    weights_intact: bool
    checks: tuple[OutputCheck, ...]
    skipped_cpu_levels: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether the weights are intact and all errors within tolerance.

        Where nothing could be compared, nothing has passed.
        """
        compared = bool(self.checks) and all(check.passed for check in self.checks)
        return self.weights_intact and compared


def selftest(
    artifact: str | os.PathLike[str],
    *,
    cpu_level: str | None = None,
    map_in_place: bool = False,
    trusted_keys: Paths | None = None,
) -> SelfTestReport:
    """Compares an artifact with what TensorFlow gave when it was compiled.

    One that is for another machine is run in an emulator, if the compiler is installed
    (``tfnative[aot]``), QEMU, and a C compiler for that machine.

    Args:
        artifact: The artifact's folder.
        cpu_level: Name of the CPU level to test. Default: all that can be run here.
        map_in_place: As for ``load``, like ``trusted_keys``, which are looked at for
            this machine's models only.
        trusted_keys: As for ``load``.

    Raises:
        InvalidArgumentError: No file can have such a path, or there are keys for a
            model of another machine.
        NotFoundError: There is no such folder.
        LoadError: It is not an artifact that runs here, or its golden vectors are
            missing or damaged.
        FailedPreconditionError: It is for another machine, and something is missing to
            emulate that.
    """
    checked_path("artifact", artifact)
    foreign = _foreign_manifest(Path(artifact))
    if foreign is not None and trusted_keys is not None:
        raise InvalidArgumentError("trusted_keys: for models of this machine alone")
    if foreign is not None:
        return _selftest_foreign(Path(artifact), foreign, cpu_level)
    # What is damaged is to be reported, and not refused.
    how = LoadOptions(
        verify=False, map_in_place=map_in_place, trusted_keys=trusted_keys
    )
    with _load(artifact, how) as model:
        levels = (cpu_level,) if cpu_level else model.manifest.cpu_levels
        name, library = model.name, Path(model.library_path)
        known = model.manifest
        apart = library.with_name(f"{model.name}.weights")
        if apart.exists():
            digest = f"sha256:{_sha256(apart, 0, known.weights_bytes)}"
        else:
            digest = _weights_digest(library, known.weights_bytes)
        intact = digest == known.weights_digest
    checks: list[OutputCheck] = []
    skipped = []
    for level in levels:
        try:
            model = _load(artifact, replace(how, cpu_level=level))
        except LoadError:
            if cpu_level:
                raise
            skipped.append(level)
            continue
        with model:
            for signature, of in model.manifest.signatures.items():
                checks += _replay(model, signature, of, library.parent)
    return SelfTestReport(name, intact, tuple(checks), tuple(skipped))


def _load(artifact: str | os.PathLike[str], how: LoadOptions) -> NativeModel:
    model = load(artifact, options=how)
    assert isinstance(model, NativeModel)
    return model


def _foreign_manifest(artifact: Path) -> Manifest | None:
    """The manifest of an artifact that this machine cannot load; None of others."""
    path = artifact / "manifest.json"
    if not path.is_file() or not door.is_there():
        return None
    try:
        manifest = Manifest.from_json(read_regular(path).decode())
        target = door.find_target(manifest.triple)
    except Error:
        return None  # ``load`` says what is wrong.
    return None if door.host_runs(target, target.levels[0]) else manifest


def _selftest_foreign(
    artifact: Path, manifest: Manifest, cpu_level: str | None
) -> SelfTestReport:
    def read(signature: str) -> tuple[dict[str, Any], dict[str, Any]]:
        vectors = read_golden(artifact / manifest.signatures[signature].golden)
        return input_arrays(vectors), between_arrays(vectors) or output_arrays(vectors)

    checks: list[OutputCheck] = []
    for signature, level, outputs, expected in door.replay(artifact, manifest, read):
        if cpu_level in (None, level):
            known = manifest.signatures[signature]
            checks += _compare(signature, level, outputs, expected, known)
    tried = {check.cpu_level for check in checks}
    skipped = tuple(level for level in manifest.cpu_levels if level not in tried)
    apart = artifact / f"{manifest.name}.weights"
    intact = not apart.exists() or manifest.weights_digest == (
        f"sha256:{_sha256(apart, 0, manifest.weights_bytes)}"
    )
    return SelfTestReport(manifest.name, intact, tuple(checks), skipped)


def _replay(
    model: NativeModel, signature: str, known: SignatureManifest, folder: Path
) -> Iterator[OutputCheck]:
    vectors = read_golden(folder / known.golden)
    inputs = input_arrays(vectors)
    expected = output_arrays(vectors)
    tail = model._tails.get(signature)
    if tail is None:
        outputs = model.predict(inputs, signature=signature)
        yield from _compare(signature, model.cpu_level, outputs, expected, known)
        return
    # A last bit may make another label of a number: each part is judged by itself.
    between = between_arrays(vectors)
    outputs = model._predict_between(inputs, signature, exact=False)
    yield from _compare(signature, model.cpu_level, outputs, between, known)
    if not outputs.keys() <= between.keys():
        raise LoadError(f"{known.golden} does not have all that its tail reads")
    exact = {name: _as(between[name], outputs[name]) for name in outputs}
    made = tail.run(inputs, exact)
    late = {name: made[name] for name in made if name not in outputs}
    yield from _compare(signature, model.cpu_level, late, expected, known)


def _as(array: npt.NDArray[Any], like: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """An array of the golden vectors, as the run time has it."""
    return array if array.dtype == like.dtype else array.view(like.dtype)


def _compare(
    signature: str,
    level: str,
    outputs: Mapping[str, npt.NDArray[Any]],
    expected: Mapping[str, npt.NDArray[Any]],
    known: SignatureManifest,
) -> Iterator[OutputCheck]:
    for name, output in outputs.items():
        if name not in expected:
            raise LoadError(f"{known.golden} has no output {name!r}")
        dtype = output.dtype.name
        absolute, relative = errors(output, _as(expected[name], output))
        exact = output.dtype.kind in "biuO" and dtype != "bfloat16"
        default = 0.0 if exact else _TOLERANCES.get(dtype, _DOUBLE_TOLERANCE)
        yield OutputCheck(
            signature,
            name,
            level,
            absolute,
            relative,
            _allowed(known, name, default),
        )


def _allowed(known: SignatureManifest, output: str, default: float) -> float:
    """What was allowed when the artifact was compiled.

    A tolerance that follows from distances to float64 is that of the inputs that were
    tried then, and no narrower than the default for others.
    """
    own = [fidelity for fidelity in known.fidelity if fidelity.output == output]
    measured = any(fidelity.distance is not None for fidelity in own)
    tolerances = [fidelity.tolerance for fidelity in own]
    return max(tolerances + [default] * measured, default=default)


def errors(
    got: npt.NDArray[np.generic], expected: npt.NDArray[np.generic]
) -> tuple[float, float]:
    """Largest absolute error, and the same divided by the largest expected value.

    Both are infinite if shapes differ, or one has a NaN or infinity where the other
    has none.
    """
    import numpy as np

    if got.shape != expected.shape:
        return float("inf"), float("inf")
    if expected.dtype.kind in "biuO" and np.array_equal(got, expected):
        return 0.0, 0.0  # Large integers are not exact as floats.
    if expected.dtype.kind == "O":
        return float("inf"), float("inf")
    wide = np.complex128 if expected.dtype.kind == "c" else np.float64
    a, b = got.astype(wide), expected.astype(wide)
    finite = np.isfinite(b)
    odd = ~finite & ~((a == b) | (np.isnan(a) & np.isnan(b)))
    if bool(odd.any()) or not bool(np.isfinite(a[finite]).all()):
        return float("inf"), float("inf")
    absolute = float(np.max(np.abs(a[finite] - b[finite]), initial=0.0))
    largest = float(np.max(np.abs(b[finite]), initial=0.0))
    return absolute, absolute / largest if largest else absolute


def _weights_digest(library: Path, weights_bytes: int) -> str:
    """The digest of the weights in the library's file; the trailer says where."""
    import struct

    trailer = struct.Struct("<8sIIQQQQ80s")  # tfn_trailer in tfnative/abi.h
    with library.open("rb") as file:
        file.seek(-trailer.size, os.SEEK_END)
        *_, offset, section_bytes, _, _ = trailer.unpack(file.read(trailer.size))
    return f"sha256:{_sha256(library, offset, min(weights_bytes, section_bytes))}"


def _sha256(path: Path, offset: int, size: int) -> str:
    import hashlib

    sha = hashlib.sha256()
    with path.open("rb") as file:
        file.seek(offset)
        while size > 0 and (piece := file.read(min(size, 1 << 20))):
            sha.update(piece)
            size -= len(piece)
    return sha.hexdigest()
