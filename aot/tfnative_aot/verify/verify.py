# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Compares every variant of an artifact with TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tfnative.errors import CompileError, InvalidArgumentError
from tfnative.manifest import Fidelity
from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.load.source import BATCH
from tfnative_aot.machines.cpu_levels import CpuLevel, batch_text
from tfnative_aot.verify.distance import Reach, distances, why_not, worst_slice
from tfnative_aot.verify.execute import Arrays, Executor
from tfnative_aot.verify.probes import Probe

_Array = npt.NDArray[np.generic]
_BY_LUCK = 4.0
"""What steps that are taken otherwise may come to, in parts of what is allowed."""

_FEWEST_TYPICAL = 32
"""Elements of which a few that are off do not make most of an output."""

_Key = tuple[str, int, str]
"""Output, batch size and CPU level."""

_TOLERANCES = {
    "float32": 1e-5,
    "complex64": 1e-5,
    "float64": 1e-10,
    "complex128": 1e-10,
    "float16": 1e-2,
    "bfloat16": 5e-2,
}


@dataclass(frozen=True)
class Allowed:
    """How far an output may be off, in parts of its largest value.

    Attributes:
        largest: Any element.
        typical: All of them, as a root mean square.
    """

    largest: float
    typical: float


Tolerance = float | Mapping[str, Allowed] | None
"""Of all outputs, or of each by its name."""


def default_tolerance(dtype: str) -> float:
    """Largest error allowed, relative to the output's largest value.

    Integers and booleans must be equal.
    """
    return _TOLERANCES.get(dtype, 0.0)


class InexactError(Exception):
    """Outputs are too far from TensorFlow's.

    Attributes:
        signature: Of which signature.
        complaints: What is wrong, in a line each.
    """

    def __init__(self, signature: str, complaints: Sequence[str]) -> None:
        """Args: of which signature, and what is wrong."""
        super().__init__(signature, complaints)
        self.signature = signature
        self.complaints = tuple(complaints)


def verify(
    executor: Executor,
    graph: FrozenGraph,
    probes: Sequence[Probe],
    levels: Sequence[CpuLevel],
    rtol: Tolerance,
) -> tuple[Fidelity, ...]:
    """Runs a signature's variants and measures their errors.

    Args:
        executor: Runs them.
        graph: The signature.
        probes: Inputs, and what TensorFlow answers.
        levels: CPU levels that it can run.
        rtol: Tolerance for floats, of each output or of all; or None to judge by
            answers in float64 where there are any, and by each type's default tolerance
            elsewhere.

    Returns:
        The largest error per output, batch size and level, over all ordinary inputs.

    Raises:
        InexactError: An output is off by more than is allowed. All that are, are
            listed.
        CompileError: A check fails for what TensorFlow answers.
    """
    judge = _Judge(graph, rtol)
    for level in levels:
        for probe in probes:
            inputs = probe.sample.inputs
            size = probe.batch_size
            got = _run(executor, graph.signature, size, level.name, inputs)
            for name, expected in probe.sample.outputs.items():
                judge.look(probe, level, name, got[name], expected)
    judge.decide()
    if judge.complaints:
        raise InexactError(graph.signature, [*judge.complaints.values()])
    return tuple(judge.worst.values())


def _run(
    executor: Executor, signature: str, batch_size: int, level: str, inputs: Arrays
) -> Arrays:
    """The outputs for inputs that TensorFlow has answered."""
    try:
        return executor.run(signature, batch_size, level, inputs)
    except InvalidArgumentError as error:
        raise CompileError(
            f"signature {signature!r}, {batch_text(batch_size)}, {level}: a check of "
            f"the compiled code fails for inputs that TensorFlow answers: {error}"
        ) from error


class _Judge:
    """Collects what is measured of each variant's outputs.

    Attributes:
        worst: By output, batch size and level.
        complaints: Likewise, the first thing that is wrong.
    """

    def __init__(self, graph: FrozenGraph, rtol: Tolerance) -> None:
        self.worst: dict[_Key, Fidelity] = {}
        self.complaints: dict[_Key, str] = {}
        self._rows = {
            t.name: bool(t.shape and t.shape[0] == BATCH) for t in graph.outputs
        }
        self._rtol = rtol
        self._usual: dict[str, tuple[float, float]] = {}
        self._steps: dict[_Key, list[str]] = {}

    def decide(self) -> None:
        """Complains of what is off for all inputs: steps differ for a few, by luck."""
        for key, said in self._steps.items():
            if all(said):
                name, batch_size, level = key
                self.complaints[key] = (
                    f"output {name!r}, {batch_text(batch_size)}, {level}: {said[0]}"
                )

    def look(
        self, probe: Probe, level: CpuLevel, name: str, got: _Array, expected: _Array
    ) -> None:
        """Measures an output; ordinary inputs come before mixed ones."""
        key = name, probe.batch_size, level.name
        if probe.mixed:
            complaint = self._mixed(probe, name, got, expected)
        else:
            found, complaint = self._ordinary(probe, key, got, expected)
            known = self.worst.get(key)
            if known is None or not _is_better(found, known):
                self.worst[key] = found
        if complaint and key not in self.complaints:
            if undefined := probe.sample.undefined:
                complaint += (
                    f"; {undefined} (Cast) gets numbers there that its integers "
                    "do not hold, of which TensorFlow itself gives no certain result: "
                    "give inputs with --golden"
                )
            self.complaints[key] = (
                f"output {name!r}, {batch_text(probe.batch_size)}, {level.name}: "
                + complaint
            )

    def _ordinary(
        self, probe: Probe, key: _Key, got: _Array, expected: _Array
    ) -> tuple[Fidelity, str]:
        name, dtype = key[0], expected.dtype.name
        found = Fidelity(*key, *errors(got, expected), default_tolerance(dtype))
        if not found.tolerance:
            return found, _too_far(found)
        exact = probe.exact.get(name)
        reason = (
            probe.reasons.get(name, "") if exact is None else why_not(expected, exact)
        )
        rtol = self._rtol
        if isinstance(rtol, Mapping):
            found, complaint = _by_steps(found, rtol[name], got, expected)
            self._steps.setdefault(key, []).append(complaint)
            return found, ""
        if rtol is not None:
            found = replace(found, tolerance=rtol)
        if exact is None or reason or got.shape != expected.shape:
            found = replace(found, reason=reason)
            return found, _too_far(found)
        measured = distances(
            got, expected, exact, rows=self._rows[name], reach=_reach(probe, name)
        )
        known = self._usual.get(name, (0.0, 0.0))
        self._usual[name] = (
            max(known[0], measured.tensorflow),
            max(known[1], measured.scale),
        )
        found = replace(
            found,
            distance=measured.own,
            tensorflow_distance=measured.tensorflow,
        )
        if rtol is not None:
            return found, _too_far(found)
        found = replace(found, tolerance=measured.tolerance)
        return found, measured.complaint

    def _mixed(self, probe: Probe, name: str, got: _Array, expected: _Array) -> str:
        if name not in probe.exact or name not in self._usual:
            return ""
        if got.shape != expected.shape:
            return f"its shape is {list(got.shape)}, not {list(expected.shape)}"
        if probe.exact[name].shape != expected.shape:
            return ""
        usual, scale = self._usual[name]
        found = worst_slice(
            got,
            expected,
            probe.exact[name],
            rows=self._rows[name],
            usual=usual,
            least=0.0 if probe.is_tiny else scale,
            reach=_reach(probe, name),
        )
        return found and f"where inputs have very different sizes, {found}"


def _reach(probe: Probe, name: str) -> Reach | None:
    every = probe.reach
    return None if every is None else lambda: every().get(name)


def _by_steps(
    found: Fidelity, allowed: Allowed, got: _Array, expected: _Array
) -> tuple[Fidelity, str]:
    """Judges numbers that may have taken another step here and there."""
    usual = default_tolerance(expected.dtype.name)
    complaint = _too_far(replace(found, tolerance=max(allowed.largest, usual)))
    typical, most = typical_errors(got, expected).typical, max(allowed.typical, usual)
    if not complaint and got.size >= _FEWEST_TYPICAL and typical > most:
        complaint = (
            f"most of it is off, by {typical:.3g} of the largest value, and {most:.3g} "
            "of it is allowed"
        )
    return replace(found, tolerance=max(_BY_LUCK * allowed.largest, usual)), complaint


def _too_far(found: Fidelity) -> str:
    if found.max_rel_error <= found.tolerance:
        return ""
    why = f"; not judged by float64: {found.reason}" if found.reason else ""
    if found.max_abs_error == float("inf"):
        return f"its shape, or where NaN and infinities are, is not TensorFlow's{why}"
    return (
        f"it is off by {found.max_abs_error:.3g}, which is {found.max_rel_error:.3g} "
        f"of the largest value; {found.tolerance:.3g} of it is allowed{why}"
    )


def errors(
    got: npt.NDArray[np.generic], expected: npt.NDArray[np.generic]
) -> tuple[float, float]:
    """Largest absolute error, and the same divided by the largest reference value.

    Both are infinite if shapes differ, or one has a NaN or infinity where the other
    has none.
    """
    if got.shape != expected.shape:
        return float("inf"), float("inf")
    if expected.dtype.kind in "biu" and np.array_equal(got, expected):
        return 0.0, 0.0  # Large integers are not exact as floats.
    wide = np.complex128 if expected.dtype.kind == "c" else np.float64
    a, b = got.astype(wide), expected.astype(wide)
    finite = np.isfinite(b)
    odd = ~finite & ~((a == b) | (np.isnan(a) & np.isnan(b)))
    if bool(odd.any()) or not bool(np.isfinite(a[finite]).all()):
        return float("inf"), float("inf")
    absolute = float(np.max(np.abs(a[finite] - b[finite]), initial=0.0))
    largest = float(np.max(np.abs(b[finite]), initial=0.0))
    return absolute, absolute / largest if largest else absolute


def typical_errors(got: _Array, expected: _Array) -> Allowed:
    """Errors of all elements, in parts of the largest reference value."""
    _, largest = errors(got, expected)
    if not np.isfinite(largest) or not expected.size or expected.dtype.kind in "bOSU":
        return Allowed(largest, largest)
    wide = np.complex128 if expected.dtype.kind == "c" else np.float64
    a, b = got.astype(wide), expected.astype(wide)
    finite = np.isfinite(b)
    mean = np.mean(np.abs(a[finite] - b[finite]) ** 2) if finite.any() else 0.0
    scale = float(np.max(np.abs(b[finite]), initial=0.0))
    return Allowed(largest, float(np.sqrt(mean)) / (scale or 1.0))


def _is_better(a: Fidelity, b: Fidelity) -> bool:
    """Whether an error takes up less of what is allowed."""
    if a.distance is None or b.distance is None:
        return bool(a.max_rel_error <= b.max_rel_error)
    return a.distance <= b.distance
