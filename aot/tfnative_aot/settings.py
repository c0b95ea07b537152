# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is asked for, checked against what there is to compile for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from tfnative._compile.options import CompileOptions
from tfnative.errors import InvalidArgumentError
from tfnative_aot.emit.c_names import check_name
from tfnative_aot.machines.cpu_levels import CpuLevel
from tfnative_aot.machines.targets import Target, chosen_levels, find_target, host_runs
from tfnative_aot.program.passes.stored_weights import FLOATS, Weights

_WEIGHTS = {
    "float32": FLOATS,
    "float16-weights": Weights("f16"),
    "bfloat16-weights": Weights("bf16"),
    "int8-weights": Weights("s8"),
    "int8-dynamic": Weights("s8", in_int8=True),
    "int8": Weights("s8", in_int8=True),
    "auto": Weights("f32", in_int8=True),
}
_FOR_AUTO = (
    "labels",
    "labels_output",
    "max_accuracy_drop",
    "min_signal_to_noise",
    "precision_report",
)


@dataclass(frozen=True)
class Settings:
    """What to compile, checked.

    Attributes:
        options: All that was asked for. What follows is made of it.
        name: Of the artifact.
        batch_sizes: Ascending.
        target: What it is compiled for.
        levels: CPU levels, ascending.
        static: Whether to make libNAME.a.
        weights: What is to become of weights.
    """

    options: CompileOptions
    name: str
    batch_sizes: tuple[int, ...]
    target: Target
    levels: tuple[CpuLevel, ...]
    static: bool
    weights: Weights = FLOATS

    def weights_of(
        self, small: Literal["", "f16"], products: frozenset[str]
    ) -> Weights:
        """What is to become of the weights of a signature; see ``Prepared``."""
        dtype = small or self.weights.dtype
        return replace(self.weights, dtype=dtype, products=products)


def check(options: CompileOptions, output: Path) -> Settings:
    """What to compile for an output folder.

    Raises:
        InvalidArgumentError: There is no such target or CPU level, the name cannot be
            part of C's, or a precision does without calibration.
    """
    _check_calibration(options)
    target = find_target(options.target)
    weights = _WEIGHTS[options.precision]
    is_foreign = not host_runs(target, target.levels[0])
    return Settings(
        options=options,
        name=check_name(options.name or _default_name(output)),
        batch_sizes=tuple(sorted(set(options.batch_sizes))),
        target=target,
        levels=chosen_levels(target, options.cpus, int8=weights.in_int8),
        static=is_foreign if options.static is None else options.static,
        weights=weights,
    )


def _check_calibration(options: CompileOptions) -> None:
    given = options.given()
    if options.precision != "auto":
        for name in _FOR_AUTO:
            if name in given:
                raise InvalidArgumentError(
                    f"{_flag(name)} is for --precision auto, not for "
                    f"{options.precision}, which does not choose layers"
                )
    if options.precision == "int8":  # Models may have ranges of their own.
        return
    if options.precision == "auto":
        if options.calibration is None:
            raise InvalidArgumentError(
                "--precision auto needs samples of what the model will be given: pass "
                "some with --calibration"
            )
        _check_budget(options)
        return
    flags = sorted(name for name in given if name.startswith("calibration"))
    if flags:
        raise InvalidArgumentError(
            f"{_flag(flags[0])} is for --precision int8 and auto, not for "
            f"{options.precision}, which finds no ranges of samples"
        )


def _check_budget(options: CompileOptions) -> None:
    given = options.given()
    if options.labels is not None:
        if "min_signal_to_noise" in given:
            raise InvalidArgumentError(
                "--min-signal-to-noise is for samples without labels: leave it out, or "
                "--labels"
            )
        return
    for name in ("max_accuracy_drop", "labels_output"):
        if name in given:
            raise InvalidArgumentError(
                f"{_flag(name)} needs to know which answers are right: give them with "
                "--labels, or bound the error of outputs with --min-signal-to-noise"
            )


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _default_name(output: Path) -> str:
    return "".join(c if c.isalnum() else "_" for c in output.resolve().name)
