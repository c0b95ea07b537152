# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Calls a function in a process of its own: one that nothing has been done in before.

What is measured there is not the memory, the devices or the functions of what was
measured before it.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import Any

from training.cluster.member import die_with_starter, fork_server
from training.errors import TrainingError


def apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """Calls a function of a module in a process that has only imported TensorFlow.

    Args:
        function: Of a module that can be imported by its name.
        *arguments: Picklable, as what the function returns is.

    Raises:
        TrainingError: The function raised one; or something else, or the process was
            ended, which the message says.
    """
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = fork_server().Process(
        target=_call, args=(theirs, function, arguments), daemon=True
    )
    process.start()
    theirs.close()
    try:
        error, value = ours.recv()
    except EOFError:
        process.join()
        raise TrainingError(
            f"the process that was to measure ended with {process.exitcode}"
            + (": memory was short, perhaps" if process.exitcode == -9 else "")
        ) from None
    finally:
        ours.close()
        process.kill()
        process.join()
    if error is not None:
        raise error
    return value


def _call(pipe: Any, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Runs in the process."""
    die_with_starter()
    try:
        answer: tuple[TrainingError | None, Any] = (None, function(*arguments))
    except TrainingError as error:
        answer = (error, None)
    except Exception as error:
        answer = (TrainingError(f"{type(error).__name__}: {error}"), None)
    pipe.send(answer)
