# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""From what a user says to the options of the run time."""

from __future__ import annotations

import os
from typing import Literal

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


def read_batching_parameters(
    path: str | os.PathLike[str],
) -> tuple[BatchOptions, int, str]:
    """Options, number of threads and their name, from TensorFlow Serving's file."""
    try:
        with open(path, encoding="utf-8") as file:
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


def size(name: str, value: int | None) -> int:
    """A number of rows; 0 for None. Raises InvalidArgumentError."""
    if value is None:
        return 0
    if value < 1:
        raise InvalidArgumentError(
            f"batching options: {name} must be at least 1, got {value}"
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
        if not isinstance(batch_timeout_micros, int):
            raise InvalidArgumentError(
                'batching options: batch_timeout_micros must be an integer or "auto",'
                f" got {batch_timeout_micros!r}"
            )
        options.batch_timeout_micros = batch_timeout_micros
        return
    if not latency_target_ms > 0:
        raise InvalidArgumentError(
            f"batching options: latency_target_ms must be positive, got"
            f" {latency_target_ms}"
        )
    options.latency_target_micros = max(1, round(latency_target_ms * 1000))
    # Where the search begins.
    options.batch_timeout_micros = 1 if options.streaming else 0
