# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Times a model on the machine at hand."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tfnative._backends.load import load
from tfnative._backends.native.golden import golden_inputs
from tfnative._backends.native.model import NativeModel
from tfnative._base.arrays import memory_bytes
from tfnative._base.numbers import finite_number
from tfnative._model import Model
from tfnative._signature import Signature, TensorSpec
from tfnative.errors import (
    InvalidArgumentError,
    ResourceExhaustedError,
    UnimplementedError,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from tfnative._backends.native.profile import Profile

_USUAL_SIZES = (1, 32)


@dataclass(frozen=True)
class BenchRow:
    """Latency of one signature at one number of rows, called from Python.

    Attributes:
        signature: Name of the signature.
        rows: Rows per call; 0 for a signature without a batch dimension.
        median_micros: Median time of a call.
        p99_micros: Time that 99% of calls stay below.
        rows_per_second: At the median; calls per second without a batch dimension.
    """

    signature: str
    rows: int
    median_micros: float
    p99_micros: float
    rows_per_second: float


def bench(
    path: str | os.PathLike[str],
    *,
    batch_sizes: Sequence[int] | None = None,
    seconds: float = 1.0,
    backend: str | None = None,
    device: str | None = None,
    cpu_level: str | None = None,
    threads: int = 1,
    signature: str | None = None,
) -> list[BenchRow]:
    """Times signatures on random inputs.

    Args:
        path: The model, as ``load`` takes it.
        batch_sizes: Numbers of rows. Default: the compiled batch sizes; 1 and 32 for
            TensorFlow.
        seconds: How long to measure each.
        backend: As ``load`` takes it, and the next three.
        device: For TensorFlow.
        cpu_level: Of compiled code.
        threads: How many threads of compiled code work on one call.
        signature: Name of the signature to time. Default: all.

    Raises:
        NotFoundError, LoadError: As ``load``.
        InvalidArgumentError: There is no such signature; a number of rows is negative,
            or one that a signature whose rows influence each other was not compiled
            for; the sizes of an input are not known, or it takes strings; or seconds
            are no number above 0.
        ResourceExhaustedError: An input would need more memory than there is.
    """
    if (finite_number(seconds) or 0) <= 0:
        raise InvalidArgumentError(f"seconds must be above 0, got {seconds!r:.100}")
    rows = []
    with load(
        path, backend=backend, device=device, cpu_level=cpu_level, threads=threads
    ) as model:
        chosen = list(model.signatures.values())
        if signature is not None:
            chosen = [model.signature(signature)]
        for each in chosen:
            if not _has_rows(each):
                rows.append(measure(model, each, 0, seconds))
                continue
            for size in batch_sizes or each.batch_sizes or _USUAL_SIZES:
                rows.append(measure(model, each, size, seconds))
    return rows


def _has_rows(signature: Signature) -> bool:
    return any((spec.shape or ())[:1] == (-1,) for spec in signature.inputs.values())


def profile(
    path: str | os.PathLike[str],
    *,
    batch_size: int | None = None,
    signature: str | None = None,
    runs: int = 20,
    backend: str | None = None,
    device: str | None = None,
    cpu_level: str | None = None,
    threads: int = 1,
) -> Profile:
    """Profiles a signature on random inputs.

    Args:
        path: The model, as ``load`` takes it.
        batch_size: Number of rows. Default: the smallest compiled batch size.
        signature: Default: "serving_default", or the only one.
        runs: How often to run it.
        backend: As ``load`` takes it, and the next three.
        device: For TensorFlow.
        cpu_level: Of compiled code.
        threads: How many threads work on one call.

    Raises:
        NotFoundError, LoadError: As ``load``.
        InvalidArgumentError: As ``Model.profile``, or there is no such signature.
        UnimplementedError: TensorFlow runs the model.
    """
    with load(
        path, backend=backend, device=device, cpu_level=cpu_level, threads=threads
    ) as model:
        if not isinstance(model, NativeModel):
            raise UnimplementedError(
                f"model {model.name!r} runs with {model.backend}: only the steps of "
                "compiled code can be timed"
            )
        found = model.signature(signature)
        rows = batch_size or min(found.batch_sizes, default=0)
        return model.profile(
            random_inputs(model, found, rows), signature=found.name, runs=runs
        )


def random_inputs(
    model: Model, signature: Signature, rows: int
) -> dict[str, npt.NDArray[Any]]:
    """Inputs of so many rows that the model can take.

    Where they are strings, rows of its golden vectors.
    """
    if any(spec.dtype.kind == "O" for spec in signature.inputs.values()):
        if not isinstance(model, NativeModel):
            raise InvalidArgumentError(
                f"model {model.name!r}, signature {signature.name!r}: there are no "
                "inputs to try it on"
            )
        return golden_inputs(model, signature, rows)
    return {
        name: _random_array(spec.dtype, _shape_with_rows(spec, rows, signature.name))
        for name, spec in signature.inputs.items()
    }


def _shape_with_rows(spec: TensorSpec, rows: int, signature: str) -> tuple[int, ...]:
    shape = spec.shape
    if shape is None or -1 in shape[1:]:
        raise InvalidArgumentError(
            f"signature {signature!r}: the shape of input {spec.name!r} is not known: "
            f"{shape if shape is not None else 'not even its rank'}"
        )
    if rows < 0:
        raise InvalidArgumentError(f"a number of rows must not be negative: {rows}")
    return tuple(rows if size == -1 else size for size in shape)


def measure(model: Model, signature: Signature, rows: int, seconds: float) -> BenchRow:
    """Times one signature at one number of rows, with random inputs."""
    inputs = random_inputs(model, signature, rows)

    def call() -> None:
        model.predict(inputs, signature=signature.name)

    call()
    micros: list[float] = []
    deadline = time.perf_counter() + seconds
    while not micros or time.perf_counter() < deadline:
        start = time.perf_counter_ns()
        call()
        micros.append((time.perf_counter_ns() - start) / 1e3)
    micros.sort()
    median = micros[len(micros) // 2]
    return BenchRow(
        signature=signature.name,
        rows=rows,
        median_micros=median,
        p99_micros=micros[min(len(micros) - 1, len(micros) * 99 // 100)],
        rows_per_second=max(rows, 1) / median * 1e6,
    )


def _random_array(dtype: Any, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    import numpy as np

    if 8 * math.prod(shape) > memory_bytes():  # They are made as float64.
        raise ResourceExhaustedError(
            f"an input of {dtype.name} {shape} needs more memory than there is"
        )
    rng = np.random.default_rng(0)
    if dtype.kind in "iu":
        return np.zeros(shape, dtype)  # An index that every table has.
    return rng.random(shape).astype(dtype)
