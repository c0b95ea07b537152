# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Functions that need TensorFlow as it is at first: devices, strategies."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import Any

from training.cluster.member import fork_server


def apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """Calls a function of a module in a process of its own; returns what it returns."""
    context = fork_server()
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = context.Process(target=_call, args=(theirs, function, arguments))
    process.start()
    theirs.close()
    try:
        kind, value = ours.recv()
    finally:
        process.join()
    if kind == "error":
        raise AssertionError(value)
    return value


def _call(pipe: Any, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    import os
    import traceback

    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    try:
        pipe.send(("value", function(*arguments)))
    except BaseException:
        pipe.send(("error", traceback.format_exc()))
