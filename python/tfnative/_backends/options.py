# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What ``load`` can be asked for. CONTRIBUTING.md says how to add to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypedDict

from tfnative._base.options.declare import option
from tfnative._base.options.document import shows_options
from tfnative._base.options.kinds import (
    MOST,
    Choice,
    Names,
    Number,
    PathList,
    Paths,
    Switch,
    Text,
    Whole,
    Wholes,
)
from tfnative._base.options.option_set import OptionSet
from tfnative._compile.kinds import Constants, Shapes
from tfnative._core import ThreadPool
from tfnative.errors import InvalidArgumentError

Backend: TypeAlias = Literal["native", "tensorflow", "auto"]

COMPILED = "compiled code"
COMPILING = "compiling"
TENSORFLOW = "TensorFlow"
SAVED_MODELS = "SavedModels"


class _Threads(Whole):
    """A number of threads, or a pool of them."""

    def __init__(self) -> None:
        super().__init__(least=1, most=1024)
        self.expected += " or a ThreadPool"
        self.as_keyword = (
            "or a ThreadPool to share between models: a call that finds it busy with "
            "another one runs alone"
        )

    def check(self, value: Any) -> int | ThreadPool:
        """See Kind."""
        if isinstance(value, ThreadPool):
            return value
        number: int = super().check(value)
        return number


class _Tags(Names):
    """Names, or the text that TensorFlow takes for one."""

    def check(self, value: Any) -> Any:
        """See Kind."""
        return value if isinstance(value, str) else super().check(value)


@shows_options
@dataclass(frozen=True, kw_only=True)
class LoadOptions(OptionSet):
    """What ``load`` is asked for, which takes each of them as a keyword, too.

    Values are checked when they are given: InvalidArgumentError says what was expected.
    Lists are kept as tuples. ``load`` refuses those that are not for what it loads.
    """

    backend: Backend | None = option(
        None,
        Choice("native", "tensorflow", "auto"),
        "what runs it: native, compiled code; tensorflow, TensorFlow's library, which "
        "needs a SavedModel; auto, compiled code, which a SavedModel is compiled to if "
        "that is possible, else TensorFlow",
        default_is="native",
        group="all",
    )
    cpu_level: str | None = option(
        None,
        Text("LEVEL"),
        "CPU level whose code to run, as x86-64-v2; auto compiles for it",
        default_is="the one that TFNATIVE_CPU_LEVEL names, else the best one that this "
        "CPU can run",
        flag="--cpu",
        group=COMPILED,
    )
    threads: int | ThreadPool = option(
        1,
        _Threads(),
        "threads that work on one call, the calling one included",
        group=COMPILED,
    )
    verify: bool = option(
        True,
        Switch(),
        "compare the weights with their checksum, for which all of them are read; "
        "those in a file of their own are always compared",
        flag="",
        group=COMPILED,
    )
    map_in_place: bool = option(
        False,
        Switch(),
        "map the model's files as they lie, so that processes share their memory; for "
        "files that nobody writes to while they are loaded: whoever does changes the "
        "results, or ends the process",
        group=COMPILED,
    )
    trusted_keys: Paths | None = option(
        None,
        PathList("FILE_OR_FOLDER"),
        "load only what one of these public keys has signed, which are files, or all "
        "*.pub in folders; not with map_in_place",
        default_is="signatures are not looked at",
        group=COMPILED,
    )
    signatures: Sequence[str] | None = option(
        None,
        Names("NAME", one_each=True),
        "which to compile; `backend_reason` names those left out",
        default_is="serving_default if the model has it, else all",
        flag="",
        group=COMPILING,
    )
    batch_sizes: Sequence[int] | None = option(
        None,
        Wholes(least=1),
        "numbers of rows to compile for; any number can be predicted",
        default_is="1, 8 and 32",
        flag="",
        group=COMPILING,
    )
    shapes: Mapping[str, Sequence[int]] | None = option(
        None,
        Shapes(),
        "shapes of inputs where the model leaves more open than the batch",
        default_is="the model's own",
        flag="",
        group=COMPILING,
    )
    constants: Mapping[str, object] | None = option(
        None,
        Constants(),
        "values for inputs that always have the same one, which are no inputs of the "
        "model then; it cannot fall back to TensorFlow",
        default_is="the model's inputs are all left open",
        flag="",
        group=COMPILING,
    )
    rtol: float | None = option(
        None,
        Number(),
        "largest error of compiled code against TensorFlow",
        unit="parts of an output's largest value",
        default_is="that of `compile`",
        flag="",
        group=COMPILING,
    )
    tags: Sequence[str] | None = option(
        None,
        _Tags("TAG"),
        "which graph of the SavedModel",
        default_is="serve",
        flag="",
        group=SAVED_MODELS,
    )
    device: str | None = option(
        None,
        Text("NAME"),
        "where it runs: cpu, gpu, or the only GPU that is used, as gpu:1; with auto, "
        "a model for a GPU is not compiled",
        default_is="GPUs are used where there are some",
        group=TENSORFLOW,
    )
    visible_gpus: Sequence[int] | None = option(
        None,
        Wholes(least=0),
        "numbers of the GPUs that are used",
        default_is="all",
        flag="",
        group=TENSORFLOW,
    )
    gpu_memory_fraction: float | None = option(
        None,
        Number(most=1),
        "share of a GPU's memory that is taken, up to 1",
        default_is="nearly all",
        flag="",
        group=TENSORFLOW,
    )
    gpu_memory_growth: bool | None = option(
        None,
        Switch(),
        "take a GPU's memory as it is needed, not at once",
        default_is="as TensorFlow does",
        flag="",
        group=TENSORFLOW,
    )
    intra_op_threads: int | None = option(
        None,
        Whole(least=0, most=MOST),
        "threads that work on one operation; TensorFlow has one such pool per process, "
        "and the first model makes it",
        default_is="as many as TensorFlow takes",
        flag="",
        group=TENSORFLOW,
    )
    inter_op_threads: int | None = option(
        None,
        Whole(least=-1, most=MOST),
        "threads that run operations side by side, for this model alone; -1: the "
        "calling thread runs them all",
        default_is="the process has some",
        flag="",
        group=TENSORFLOW,
    )
    xla: bool | None = option(
        None,
        Switch(),
        "let TensorFlow compile parts of the graph as it runs",
        default_is="as TensorFlow does",
        flag="",
        group=TENSORFLOW,
    )
    mixed_precision: Literal["float16", "bfloat16"] | None = option(
        None,
        Choice("float16", "bfloat16"),
        "the type in which TensorFlow may compute instead of float32: float16 on GPUs, "
        "bfloat16 on CPUs",
        default_is="float32",
        flag="",
        group=TENSORFLOW,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.map_in_place and self.trusted_keys is not None:
            raise InvalidArgumentError(
                "map_in_place (--map-in-place) and trusted_keys (--trusted-keys) "
                "exclude each other: files that are mapped in place can change after "
                "they were checked"
            )


# The fields of ``LoadOptions`` once more, for those who check types: which there are
# depends on the backend. A test compares the two.


class NativeKeywords(TypedDict, total=False):
    """What ``load`` takes for compiled code."""

    cpu_level: str | None
    threads: int | ThreadPool
    verify: bool
    map_in_place: bool
    trusted_keys: Paths | None


class TensorflowKeywords(TypedDict, total=False):
    """What ``load`` takes for TensorFlow."""

    tags: Sequence[str] | None
    device: str | None
    visible_gpus: Sequence[int] | None
    gpu_memory_fraction: float | None
    gpu_memory_growth: bool | None
    intra_op_threads: int | None
    inter_op_threads: int | None
    xla: bool | None
    mixed_precision: Literal["float16", "bfloat16"] | None


class AutoKeywords(NativeKeywords, TensorflowKeywords, total=False):
    """What ``load`` takes for "auto": all, and how to compile."""

    signatures: Sequence[str] | None
    batch_sizes: Sequence[int] | None
    shapes: Mapping[str, Sequence[int]] | None
    constants: Mapping[str, object] | None
    rtol: float | None


class LoadKeywords(AutoKeywords, total=False):
    """What ``load`` takes, whatever the backend."""

    backend: Backend | None
