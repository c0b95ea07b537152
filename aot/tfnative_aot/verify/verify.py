# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Compares every variant of an artifact with TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tfnative.errors import CompileError, InvalidArgumentError
from tfnative.manifest import Fidelity
from tfnative_aot.machines.cpu_levels import CpuLevel, batch_text
from tfnative_aot.verify.execute import Arrays, Executor
from tfnative_aot.verify.samples import Sample

_TOLERANCES = {
    "float32": 1e-5,
    "complex64": 1e-5,
    "float64": 1e-10,
    "complex128": 1e-10,
    "float16": 1e-2,
    "bfloat16": 5e-2,
}


def default_tolerance(dtype: str) -> float:
    """Largest error allowed, relative to the output's largest value.

    Integers and booleans must be equal.
    """
    return _TOLERANCES.get(dtype, 0.0)


def verify(
    executor: Executor,
    signature: str,
    samples: Sequence[tuple[int, Sample]],
    levels: Sequence[CpuLevel],
    rtol: float | None,
) -> tuple[Fidelity, ...]:
    """Runs a signature's variants and measures their errors.

    Args:
        executor: Runs them.
        signature: Name of the signature.
        samples: Pairs of a compiled batch size (0: no batch dimension) and inputs
            with as many rows, with TensorFlow's outputs.
        levels: CPU levels that it can run.
        rtol: Tolerance for floats, or None for each type's default.

    Returns:
        The largest error per output, batch size and level, over all samples.

    Raises:
        CompileError: An output is off by more than the tolerance. All that are, are
            listed. Or a check fails for what TensorFlow answers.
    """
    worst: dict[tuple[str, int, str], Fidelity] = {}
    for level in levels:
        for batch_size, sample in samples:
            got = _run(executor, signature, batch_size, level.name, sample.inputs)
            for name, expected in sample.outputs.items():
                found = _fidelity(
                    name, batch_size, level.name, got[name], expected, rtol
                )
                key = name, batch_size, level.name
                if key not in worst or not _is_better(found, worst[key]):
                    worst[key] = found
    bad = [f for f in worst.values() if not f.max_rel_error <= f.tolerance]
    if bad:
        lines = "\n".join(
            f"  output {f.output!r}, {batch_text(f.batch_size)}, {f.cpu_level}: "
            f"max error {f.max_abs_error:.3g}, relative to the largest value "
            f"{f.max_rel_error:.3g}, allowed {f.tolerance:.3g}"
            for f in bad
        )
        raise CompileError(
            f"signature {signature!r} differs from TensorFlow by more than the "
            f"tolerance (--rtol sets another):\n{lines}"
        )
    return tuple(worst.values())


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


def _fidelity(
    output: str,
    batch_size: int,
    level: str,
    got: npt.NDArray[np.generic],
    expected: npt.NDArray[np.generic],
    rtol: float | None,
) -> Fidelity:
    tolerance = default_tolerance(expected.dtype.name)
    if rtol is not None and tolerance > 0:
        tolerance = rtol
    absolute, relative = errors(got, expected)
    return Fidelity(
        output=output,
        batch_size=batch_size,
        cpu_level=level,
        max_abs_error=absolute,
        max_rel_error=relative,
        tolerance=tolerance,
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


def _is_better(a: Fidelity, b: Fidelity) -> bool:
    return bool(a.max_rel_error <= b.max_rel_error)
