# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What ``compile`` can be asked for. CONTRIBUTING.md says how to add to it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypedDict, get_args

from tfnative._base.options.declare import option
from tfnative._base.options.document import shows_options
from tfnative._base.options.kinds import (
    Choice,
    Folder,
    Names,
    Number,
    Points,
    Switch,
    Text,
    Whole,
    Wholes,
)
from tfnative._base.options.option_set import OptionSet
from tfnative._compile import model_options
from tfnative._compile.kinds import (
    Golden,
    Labels,
    PictureFile,
    Samples,
    Shapes,
)

Precision = Literal[
    "float32",
    "float16-weights",
    "bfloat16-weights",
    "int8-weights",
    "int8-dynamic",
    "int8",
    "auto",
]
CalibrationMethod = Literal["min-max", "moving-average", "percentile", "mse", "kl"]
Calibration: TypeAlias = (
    str | os.PathLike[str] | Mapping[str, Any] | Iterable[Mapping[str, Any]]
)
LabelsGiven: TypeAlias = str | os.PathLike[str] | Sequence[int] | Any
"""A file, or an array."""


@shows_options
@dataclass(frozen=True, kw_only=True)
class CompileOptions(OptionSet):
    """What ``compile`` is asked for, which takes each of them as a keyword, too.

    Values are checked when they are given: InvalidArgumentError says what was expected.
    Lists are kept as tuples. Whether a value fits a model is seen when it is compiled.
    ``tfnative compile`` has a flag for each.
    """

    name: str | None = option(
        None,
        Text("NAME"),
        "name of the artifact, part of its C symbols",
        default_is="its folder's",
    )
    signatures: Sequence[str] | None = option(
        None,
        Names("NAME", one_each=True),
        "signatures to compile",
        default_is="serving_default if the model has it, else all",
        flag="--signature",
    )
    batch_sizes: Sequence[int] = option(
        (1,),
        Wholes(least=1),
        "numbers of rows to compile for; any number can be predicted, split and padded "
        "into these",
    )
    shapes: Mapping[str, Sequence[int]] | None = option(
        None,
        Shapes(),
        "shapes of inputs where the model leaves more open than the batch",
        default_is="the model's own",
        flag="--shape",
    )
    constants: Mapping[str, object] | None = model_options.constants("compiled")
    target: str | None = option(
        None,
        Text("NAME"),
        "what to compile for, as linux-aarch64, or a triple; `tfnative targets` lists "
        "them",
        default_is="this machine",
    )
    cpus: Sequence[str] | None = option(
        None,
        Names("LEVEL"),
        "CPU levels: of x86-64-v2, x86-64-v3, x86-64-v4, or native for this machine's "
        "best of these; x86-64-v3-vnni, x86-64-v4-vnni, x86-64-v4-amx, "
        "armv8.2-dotprod or armv8.6-i8mm, with products of 8 bits; or CPUs and their "
        "features by the "
        "compilers' names, as cortex-a76+dotprod",
        default_is="all levels of the target",
        flag="--cpu",
    )
    tags: Sequence[str] = model_options.tags()
    inputs: Mapping[str, str] | Sequence[str] | None = model_options.tensors("inputs")
    outputs: Mapping[str, str] | Sequence[str] | None = model_options.tensors("outputs")
    golden: str | os.PathLike[str] | Mapping[str, object] | None = option(
        None,
        Golden(),
        "inputs to compare on beside generated ones, and to keep in the artifact: a "
        ".npz file with an array for each input",
        default_is="generated ones only",
    )
    rtol: float | None = option(
        None,
        Number(),
        "largest error against TensorFlow",
        unit="parts of an output's largest value",
        default_is="twice TensorFlow's own distance from float64, or a few units in "
        "the last place; where float64 cannot be had, 1e-5 for float32, 1e-10 for "
        "float64, 1e-2 for float16, 5e-2 for bfloat16",
    )
    static: bool | None = option(
        None,
        Switch(),
        "make libNAME.a as well, which holds a second copy of the weights",
        default_is="for other machines than this one",
    )
    weights: Literal["inside", "separate"] = option(
        "inside",
        Choice("inside", "separate"),
        "where the weights are: inside the libraries, or separate, in NAME.weights, "
        "which a program maps or loads, and lends to the library with "
        "NAME_bind_weights; `load` does so itself",
    )
    minimal: bool = option(
        False,
        Switch(),
        "leave out what predicting does not need: the manifest in the library, names, "
        "golden vectors; `load` needs them, the functions of NAME.h do not",
    )
    sources: bool = option(
        False,
        Switch(),
        "write sources/ as well, to build the libraries elsewhere with CMake; that is "
        "all there is if no compiler for the target is found",
    )
    winograd: bool = option(
        True,
        Switch(),
        "compute 3x3 convolutions by Winograd's algorithm where that is faster; their "
        "weights take four times as much space, and results differ by a few units in "
        "the last place",
    )
    precision: Precision = option(
        "float32",
        Choice(*get_args(Precision)),
        "what weights are stored in: smaller types take less space, and less time "
        "where reading weights is what takes it; with int8-dynamic, matrix products "
        "are computed in 8 bits, too; numbers between layers stay float32, but for "
        "int8, which needs calibration where the model has no ranges of its own; auto "
        "is int8 for the layers that bear it",
    )
    calibration: Calibration | None = option(
        None,
        Samples(),
        "samples of what the model will be given, of which int8 and auto find the "
        "ranges of activations: a .npz file with an array for each input, or a "
        "TFRecord file of tf.Example messages with a feature for each",
        default_is="none; auto needs some, and int8, unless the model has all ranges",
    )
    calibration_method: CalibrationMethod = option(
        "mse",
        Choice(*get_args(CalibrationMethod)),
        "how int8 finds ranges: from the least to the largest value of all samples, "
        "or of batches, averaged; where 99.99 % of the values are; or with the least "
        "squared error, or the least divergence of the distributions",
    )
    calibration_samples: int = option(
        300,
        Whole(least=1, most=100_000),
        "how many samples are used; of more that are given, so many are drawn",
    )
    labels: LabelsGiven | None = option(
        None,
        Labels(),
        "the right class of each sample, from 0 on, for auto to count how many the "
        "model finds: a .npy file, or a .npz file with one array",
        default_is="none; auto looks at how far outputs are from float32's",
    )
    labels_output: str | None = option(
        None,
        Text("NAME"),
        "the output with a score for each class, of which the largest is taken",
        default_is="the only output that can be it",
    )
    max_accuracy_drop: float | str = option(
        0.5,
        Points(),
        "how much less accurate than float32 auto may make the model, in points of "
        "percent: at 0.5%, from 98.2% to 97.7%",
    )
    min_signal_to_noise: float = option(
        30.0,
        Number(),
        "how near auto keeps outputs to float32's, where there are no labels",
        unit="decibels",
    )
    precision_report: str | os.PathLike[str] | None = option(
        None,
        PictureFile(),
        "a file to draw to what auto has tried: accuracy, or error, against time",
        default_is="nothing is drawn",
        is_kept=False,
    )
    checks: bool = option(
        True,
        Switch(),
        "raise what TensorFlow raises while it runs: for an index outside a table, a "
        "division by zero, an assertion that does not hold; without, such inputs have "
        "some result or other, and assertions are left out",
    )
    rows_independent: bool = option(
        False,
        Switch(),
        "take rows for independent of each other where that is neither proved nor "
        "disproved, so that batches are padded and split; the manifest records it",
    )
    dump_hlo: str | os.PathLike[str] | None = option(
        None,
        Folder(),
        "a new or empty folder to write XLA's programs to, before and after XLA has "
        "optimized them: as text, .dot and, with Graphviz's dot, SVG, for each "
        "signature and batch size, and one of each for what is fused into one kernel; "
        "of the best CPU level",
        default_is="they are not written",
        is_kept=False,
    )


class CompileKeywords(TypedDict, total=False):
    """The fields of ``CompileOptions`` once more, for those who check types.

    A test compares the two.
    """

    name: str | None
    signatures: Sequence[str] | None
    batch_sizes: Sequence[int]
    shapes: Mapping[str, Sequence[int]] | None
    constants: Mapping[str, object] | None
    target: str | None
    cpus: Sequence[str] | None
    tags: Sequence[str]
    inputs: Mapping[str, str] | Sequence[str] | None
    outputs: Mapping[str, str] | Sequence[str] | None
    golden: str | os.PathLike[str] | Mapping[str, object] | None
    rtol: float | None
    static: bool | None
    weights: Literal["inside", "separate"]
    minimal: bool
    sources: bool
    winograd: bool
    precision: Precision
    calibration: Calibration | None
    calibration_method: CalibrationMethod
    calibration_samples: int
    labels: LabelsGiven | None
    labels_output: str | None
    max_accuracy_drop: float | str
    min_signal_to_noise: float
    precision_report: str | os.PathLike[str] | None
    checks: bool
    rows_independent: bool
    dump_hlo: str | os.PathLike[str] | None
