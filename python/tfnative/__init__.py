# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Predicts with TensorFlow models that were compiled ahead of time.

    model = tfnative.load("build/digits")
    probabilities = model.predict(images)

Needs NumPy and no TensorFlow. ``tfnative.compile`` makes such models, where
TensorFlow is installed.
"""

from __future__ import annotations

from tfnative._bench import BenchRow, bench
from tfnative._compile import compile  # noqa: A004 - as re.compile
from tfnative._core import __version__ as __version__
from tfnative._model import Model, Signature, TensorSpec, load
from tfnative._selftest import SelfTestReport, selftest
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
    ResourceExhaustedError,
    UnavailableError,
    UnimplementedError,
)

__all__ = [
    "BenchRow",
    "CancelledError",
    "CompileError",
    "DeadlineExceededError",
    "Error",
    "FailedPreconditionError",
    "InternalError",
    "InvalidArgumentError",
    "LoadError",
    "Model",
    "NotFoundError",
    "ResourceExhaustedError",
    "SelfTestReport",
    "Signature",
    "TensorSpec",
    "UnavailableError",
    "UnimplementedError",
    "bench",
    "compile",
    "load",
    "selftest",
]
