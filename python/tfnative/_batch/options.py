# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""From what a user says to the options of the run time."""

from __future__ import annotations

import io
import os
from typing import Literal

from tfnative._base.numbers import finite_number, whole_number
from tfnative._base.options.kinds import MOST
from tfnative._base.regular_file import open_regular
from tfnative._core import BatchOptions, parse_batching_parameters
from tfnative.errors import InvalidArgumentError, NotFoundError

OPTION_NAMES = (
    "max_batch_size",
    "batch_timeout_micros",
    "max_enqueued_batches",
    "allowed_batch_sizes",
    "enable_large_batch_splitting",
    "max_execution_batch_size",
    "pad_variable_length_inputs",
    "streaming",
    "latency_target_micros",
    "retry_max_time_micros",
    "retry_delay_micros",
)
"""Of the options of the run time."""
MOST_MICROS = 10**15
"""Of a time: about 30 years. The run time adds it to others, in nanoseconds."""


def read_batching_parameters(
    path: str | os.PathLike[str],
) -> tuple[BatchOptions, int, str]:
    """Options, number of threads and their name, from TensorFlow Serving's file."""
    try:
        with io.TextIOWrapper(open_regular(path), encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        raise NotFoundError(f"cannot read {os.fspath(path)!r}: {error}") from error
    except UnicodeDecodeError as error:
        raise InvalidArgumentError(
            f"{os.fspath(path)!r}: expected UTF-8: byte {error.start} is none"
        ) from None
    try:
        return parse_batching_parameters(text)
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"{os.fspath(path)!r}: {error}") from None


def copied(options: BatchOptions) -> BatchOptions:
    """The same options, to be changed."""
    copy = BatchOptions()
    for name in OPTION_NAMES:
        setattr(copy, name, getattr(options, name))
    return copy


def size(name: str, value: object) -> int:
    """A number of rows; 0 for None. Raises InvalidArgumentError."""
    return 0 if value is None else whole(name, value, 1)


def whole(name: str, value: object, least: int, most: int = MOST) -> int:
    """A whole number in a range that the run time can count in.

    Raises:
        InvalidArgumentError: It is none.
    """
    number = whole_number(value)
    if number is None:
        raise InvalidArgumentError(
            f"batching options: {name} must be an integer, got {value!r:.100}"
        )
    if number < least:
        raise InvalidArgumentError(
            f"batching options: {name} must be at least {least}, got {number}"
        )
    if number > most:
        raise InvalidArgumentError(
            f"batching options: {name} must be at most {most}, got {number}"
        )
    return number


def sizes(name: str, values: object) -> list[int]:
    """Numbers of rows. Raises InvalidArgumentError."""
    try:
        given = list(values)  # type: ignore[call-overload]
    except TypeError:
        given = None
    if given is None or isinstance(values, str | bytes):
        raise InvalidArgumentError(
            f"batching options: {name} must be a list of integers, got {values!r:.100}"
        )
    return [whole(name, each, least=-MOST) for each in given]


def micros(name: str, value: object) -> int:
    """A time in microseconds. Raises InvalidArgumentError."""
    return whole(name, value, 0, MOST_MICROS)


def switch(name: str, value: object) -> bool:
    """Whether or not. Raises InvalidArgumentError."""
    if value is not True and value is not False:
        raise InvalidArgumentError(
            f"batching options: {name} must be True or False, got {value!r:.100}"
        )
    return value


def set_timeout(
    options: BatchOptions,
    batch_timeout_micros: int | Literal["auto"],
    latency_target_ms: float | None,
) -> None:
    """Writes what the two arguments say to the options.

    Raises:
        InvalidArgumentError: They contradict each other.
    """
    is_auto = batch_timeout_micros == "auto"
    if is_auto != (latency_target_ms is not None):
        raise InvalidArgumentError(
            'batching options: batch_timeout_micros="auto" and latency_target_ms need'
            " each other"
        )
    if latency_target_ms is None:
        if whole_number(batch_timeout_micros) is None:
            raise InvalidArgumentError(
                'batching options: batch_timeout_micros must be an integer or "auto",'
                f" got {batch_timeout_micros!r:.100}"
            )
        timeout = micros("batch_timeout_micros", batch_timeout_micros)
        options.batch_timeout_micros = timeout
        return
    target = finite_number(latency_target_ms)
    if target is None or not 0 < target <= MOST_MICROS / 1000:
        raise InvalidArgumentError(
            f"batching options: latency_target_ms must be positive and at most"
            f" {MOST_MICROS // 1000}, got {latency_target_ms!r:.100}"
        )
    options.latency_target_micros = max(1, round(latency_target_ms * 1000))
    # Where the search begins.
    options.batch_timeout_micros = 1 if options.streaming else 0
