# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Predicts with TensorFlow models that were compiled ahead of time.

    model = tfnative.load("build/digits")
    probabilities = model.predict(images)

Needs NumPy and no TensorFlow. ``tfnative.compile`` makes such models, where
TensorFlow is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfnative._base import quiet_start as _quiet_start  # noqa: F401

# isort: split
from tfnative._backends.load import load
from tfnative._backends.options import LoadOptions
from tfnative._base import forked as _forked
from tfnative._core import FakeClock, ThreadPool, __version__ as __version__
from tfnative._model import Model
from tfnative._signature import Signature, TensorSpec
from tfnative.errors import (
    CancelledError,
    CompileError,
    DeadlineExceededError,
    Error,
    FailedPreconditionError,
    InternalError,
    InvalidArgumentError,
    LoadError,
    NotFoundError,
    PermissionDeniedError,
    ResourceExhaustedError,
    UnavailableError,
    UnimplementedError,
)

if TYPE_CHECKING:
    from tfnative import serving as serving
    from tfnative._backends.native.profile import (
        Profile as Profile,
        StepTime as StepTime,
    )
    from tfnative._batch.batcher import Batcher as Batcher
    from tfnative._batch.futures import BatchFuture as BatchFuture
    from tfnative._batch.metrics import (
        BatchMetrics as BatchMetrics,
        BatchTrace as BatchTrace,
        Histogram as Histogram,
    )
    from tfnative._batch.scheduler import BatchScheduler as BatchScheduler
    from tfnative._batch.source import Predictor as Predictor
    from tfnative._batch.trials import (
        BatchParameters as BatchParameters,
        BatchTrial as BatchTrial,
    )
    from tfnative._batch.tune import TuneReport as TuneReport, tune as tune
    from tfnative._compile.compile import compile as compile  # noqa: A004 - as re.compile
    from tfnative._compile.options import CompileOptions as CompileOptions
    from tfnative._compile.targets import targets as targets
    from tfnative._compose.fallback import (
        Fallback as Fallback,
        FallbackMetrics as FallbackMetrics,
    )
    from tfnative._compose.shadow import Shadow as Shadow
    from tfnative._examples.encode import encode_example as encode_example
    from tfnative._examples.results import Classifications as Classifications
    from tfnative._measure.bench import BenchRow as BenchRow, bench as bench
    from tfnative._measure.selftest import (
        SelfTestReport as SelfTestReport,
        selftest as selftest,
    )
    from tfnative._optimize.optimize import optimize as optimize
    from tfnative._optimize.options import OptimizeOptions as OptimizeOptions
    from tfnative._optimize.results import (
        ModelSize as ModelSize,
        Optimized as Optimized,
        OptimizeNote as OptimizeNote,
        OptimizeStep as OptimizeStep,
    )
    from tfnative._optimize.transforms import Transform as Transform
    from tfnative._score.score import Scored as Scored, score as score
    from tfnative._store.model_store import ModelStore as ModelStore
    from tfnative._store.versions import (
        AllVersions as AllVersions,
        Latest as Latest,
        SpecificVersions as SpecificVersions,
        VersionState as VersionState,
        VersionStatus as VersionStatus,
    )
    from tfnative._wheel.make import Wheel as Wheel, make_wheel as make_wheel

__all__ = [
    "AllVersions",
    "BatchFuture",
    "BatchMetrics",
    "BatchParameters",
    "BatchScheduler",
    "BatchTrace",
    "BatchTrial",
    "Batcher",
    "BenchRow",
    "CancelledError",
    "Classifications",
    "CompileError",
    "CompileOptions",
    "DeadlineExceededError",
    "Error",
    "FailedPreconditionError",
    "FakeClock",
    "Fallback",
    "FallbackMetrics",
    "Histogram",
    "InternalError",
    "InvalidArgumentError",
    "Latest",
    "LoadError",
    "LoadOptions",
    "Model",
    "ModelSize",
    "ModelStore",
    "NotFoundError",
    "OptimizeNote",
    "OptimizeOptions",
    "OptimizeStep",
    "Optimized",
    "PermissionDeniedError",
    "Predictor",
    "Profile",
    "ResourceExhaustedError",
    "Scored",
    "SelfTestReport",
    "Shadow",
    "Signature",
    "SpecificVersions",
    "StepTime",
    "TensorSpec",
    "ThreadPool",
    "Transform",
    "TuneReport",
    "UnavailableError",
    "UnimplementedError",
    "VersionState",
    "VersionStatus",
    "Wheel",
    "bench",
    "compile",
    "encode_example",
    "load",
    "make_wheel",
    "optimize",
    "score",
    "selftest",
    "serving",
    "targets",
    "tune",
]

# What predicting does not need is imported when it is first used.
_LAZY = {
    "AllVersions": "_store.versions",
    "BatchFuture": "_batch.futures",
    "BatchMetrics": "_batch.metrics",
    "BatchParameters": "_batch.trials",
    "BatchScheduler": "_batch.scheduler",
    "BatchTrace": "_batch.metrics",
    "BatchTrial": "_batch.trials",
    "Batcher": "_batch.batcher",
    "BenchRow": "_measure.bench",
    "Classifications": "_examples.results",
    "CompileOptions": "_compile.options",
    "Fallback": "_compose.fallback",
    "FallbackMetrics": "_compose.fallback",
    "Histogram": "_batch.metrics",
    "Latest": "_store.versions",
    "ModelSize": "_optimize.results",
    "ModelStore": "_store.model_store",
    "OptimizeNote": "_optimize.results",
    "OptimizeOptions": "_optimize.options",
    "OptimizeStep": "_optimize.results",
    "Optimized": "_optimize.results",
    "Predictor": "_batch.source",
    "Profile": "_backends.native.profile",
    "Scored": "_score.score",
    "SelfTestReport": "_measure.selftest",
    "Shadow": "_compose.shadow",
    "SpecificVersions": "_store.versions",
    "StepTime": "_backends.native.profile",
    "Transform": "_optimize.transforms",
    "TuneReport": "_batch.tune",
    "VersionState": "_store.versions",
    "VersionStatus": "_store.versions",
    "Wheel": "_wheel.make",
    "bench": "_measure.bench",
    "compile": "_compile.compile",
    "encode_example": "_examples.encode",
    "make_wheel": "_wheel.make",
    "optimize": "_optimize.optimize",
    "score": "_score.score",
    "selftest": "_measure.selftest",
    "targets": "_compile.targets",
    "tune": "_batch.tune",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "serving":
        with _forked.importing:
            return import_module(f"{__name__}.serving")
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    with _forked.importing:
        value = getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
