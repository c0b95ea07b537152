# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models that fail in all ways, with what clients must not see."""

from __future__ import annotations

from typing import Any

import numpy as np

import tfnative
from tfnative._model import Model

SECRETS = ("/srv/", "srv/secret", "hunter2", "Traceback", "gs://", "C:\\", ".so", "~/")
"""None of these may reach a client."""


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("/srv/secret")


ODD = [
    RuntimeError("hunter2"),
    OSError(2, "No such file or directory", "/srv/secret/1/weights.bin"),
    KeyError("hunter2"),
    AssertionError(),
    UnprintableError(),
    UnicodeDecodeError("utf-8", b"\xff hunter2", 0, 1, "/srv/secret"),
    RuntimeError("hunter2 \udcff\ud800"),
    StopIteration("hunter2"),
    StopAsyncIteration("hunter2"),
    SystemExit("hunter2"),
    KeyboardInterrupt("hunter2"),
    GeneratorExit("hunter2"),
    MemoryError("hunter2"),
    RecursionError("hunter2"),
    TimeoutError("hunter2"),
    tfnative.Error("hunter2: an odd one"),
    tfnative.InternalError("hunter2"),
    tfnative.LoadError("hunter2"),
    tfnative.CompileError("hunter2"),
    tfnative.InvalidArgumentError("'/srv/my models/secret/1': no such row"),
    tfnative.InvalidArgumentError("at /srv/secret.so: a"),
    tfnative.InvalidArgumentError("x=/srv/secret"),
    tfnative.InvalidArgumentError("[/srv/secret]"),
    tfnative.InvalidArgumentError("PosixPath('/srv/secret')"),
    tfnative.InvalidArgumentError("file:///srv/secret is damaged"),
    tfnative.NotFoundError("gs://bucket/secret is not there"),
    tfnative.NotFoundError("C:\\secret is not there"),
    tfnative.NotFoundError("~/secret is not there"),
    tfnative.FailedPreconditionError("../srv/secret/manifest.json is not read yet"),
    tfnative.UnimplementedError("srv/secret/1/libsecret.so: undefined symbol"),
    tfnative.ResourceExhaustedError("mmap of /srv/secret failed"),
    tfnative.UnavailableError('File "/srv/secret/a.py", line 1, in f'),
    tfnative.InvalidArgumentError("Traceback (most recent call last):\n  hunter2"),
    tfnative.DeadlineExceededError("hunter2 is at /srv/secret"),
]

LONG = tfnative.InvalidArgumentError("é" * 100_000)


class Odd(Model):
    """Fails at whatever it is asked."""

    path = "/srv/secret/1"
    backend = "native"

    def __init__(self, error: BaseException) -> None:
        self.error = error

    @property
    def name(self) -> str:
        return "odd"

    @property
    def signatures(self) -> Any:
        if self.is_asked_for_metadata:
            raise self.error
        f4 = np.dtype("f4")
        specs = [{name: tfnative.TensorSpec(name, f4, (-1, 3))} for name in "xy"]
        return {
            "serving_default": tfnative.Signature("serving_default", *specs, (1,), True)
        }

    is_asked_for_metadata = False

    def _fail(self, *_: Any, **__: Any) -> Any:
        raise self.error

    predict = classify = regress = multi_inference = _fail


class OddStore:
    """A store whose versions could not be loaded, or whose folder is gone."""

    labels: dict[str, int] = {}  # noqa: RUF012

    def __init__(self, error: BaseException) -> None:
        self._error = error

    @property
    def versions(self) -> Any:
        if not isinstance(self._error, tfnative.Error):
            raise self._error
        from pathlib import Path

        from tfnative._store.versions import VersionState, VersionStatus

        folder = Path("/srv/secret/1")
        return {1: VersionStatus(1, VersionState.END, folder, error=self._error)}

    def find(self, version: Any, label: Any = None) -> Any:
        raise self._error

    def on_change(self, _: Any) -> Any:
        return lambda: None

    def close(self) -> None:
        pass
