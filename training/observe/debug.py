# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Finding the first op that makes a NaN or an infinity."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from training.errors import TrainingError
from training.observe.private import dumped_executions

_DETECTED = re.compile(
    r"Detected (?P<what>[^!]*?) in output \d+ of (?:graph|eagerly-executing) op"
    r" \"(?P<type>[^\"]+)\""
)
_NODE = re.compile(r"Detected at node (?P<name>\S+?)(?:/CheckNumericsV2)? defined at")
_FRAME = re.compile(r"File \"(?P<file>[^\"]+)\", line (?P<line>\d+)")
_PACKAGES = "site-packages"
_COUNTS = ("-infinity", "+infinity", "NaN")


@dataclass(frozen=True)
class BadOp:
    """An op that gave numbers that are not finite.

    Attributes:
        type: Of the op, as ``Log``.
        name: In its graph.
        found: ``NaN``, ``+infinity`` or ``-infinity``, with how many.
    """

    type: str
    name: str
    found: str


@contextlib.contextmanager
def debugging(mode: str | None, logs: Path | None) -> Iterator[None]:
    """Looks at every op while something trains.

    Args:
        mode: ``numerics`` ends at the first op whose result is not finite;
            ``dump`` writes what every op gave to LOGS/debug, for TensorBoard's
            Debugger V2; None does nothing. Both take several times as long, and
            neither looks into what XLA compiles.
        logs: Where ``dump`` writes.

    Raises:
        TrainingError: ``numerics`` has found an op; the message names it.
    """
    if mode is None:
        yield
        return
    import tensorflow as tf

    if mode == "numerics":
        tf.debugging.enable_check_numerics()
        try:
            yield
        except tf.errors.InvalidArgumentError as error:
            found = _describe(str(error.message))
            if found is None:
                raise
            raise TrainingError(found) from error
        finally:
            tf.debugging.disable_check_numerics()
        return
    assert logs is not None
    tf.debugging.experimental.enable_dump_debug_info(
        str(logs / "debug"), tensor_debug_mode="FULL_HEALTH", circular_buffer_size=-1
    )
    try:
        yield
    finally:
        tf.debugging.experimental.disable_dump_debug_info()


def _describe(message: str) -> str | None:
    """What TensorFlow's message says, in one line; None if it is another's."""
    found = _DETECTED.search(message)
    if found is None:
        return None
    node = _NODE.search(message)
    called = f", {node['name']}" if node else ""
    frames = [m for m in _FRAME.finditer(message) if _PACKAGES not in m["file"]]
    place = f", made by {frames[-1]['file']}:{frames[-1]['line']}" if frames else ""
    return (
        f"the first op whose result is not finite is {found['type']}{called}{place}: "
        f"{found['what'].strip()}. What it reads is too large, or not what it is for: "
        "try a smaller --learning-rate, and look at the data"
    )


def first_bad_op(folder: Path) -> BadOp | None:
    """The first op in a dump that gave what is not finite; None if there is none.

    Args:
        folder: LOGS/debug.

    Raises:
        TrainingError: There is no dump.
    """
    if not any(folder.glob("*.metadata")):
        raise TrainingError(
            f"there is no dump in {folder}: make one with python -m training fit "
            "--logs FOLDER --debug dump"
        )
    for type_, name, numbers in dumped_executions(folder):
        # Device, dtype, rank, elements, -inf, +inf, NaN, ...: see the documentation
        # of enable_dump_debug_info for FULL_HEALTH.
        # Tensors of other types have none.
        counts = [int(n) for n in numbers[-6:-3]] if numbers is not None else []
        for what, count in zip(_COUNTS, counts, strict=False):
            if count:
                return BadOp(type_, name, f"{what} ({count} of {int(numbers[-7])})")
    return None
