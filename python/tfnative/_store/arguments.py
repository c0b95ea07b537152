# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Checks what a ModelStore is given. All raise InvalidArgumentError."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from tfnative._core import ThreadPool
from tfnative._store.catalog import check_version
from tfnative._store.numbers import finite_number, whole_number
from tfnative._store.version_loader import Backend
from tfnative._store.versions import VersionPolicy
from tfnative.errors import InvalidArgumentError


def path(value: object) -> Path:
    """An absolute path, so that it stays what it is in another working directory."""
    if not isinstance(value, str | os.PathLike) or not isinstance(
        text := os.fspath(value), str
    ):
        raise InvalidArgumentError(f"base_path must be a path, got {value!r}")
    return Path(os.path.abspath(text))


def policy(value: object) -> VersionPolicy:
    """One of the policies."""
    if isinstance(value, VersionPolicy):
        return value
    raise InvalidArgumentError(
        "policy must be Latest(n), AllVersions() or SpecificVersions(...), got "
        f"{value!r}"
    )


def threads(value: object) -> ThreadPool:
    """A pool of that many threads, or the one given."""
    if isinstance(value, ThreadPool):
        return value
    number = whole_number(value)
    if number is None or abs(number) >= 1 << 31:
        raise InvalidArgumentError(
            f"threads must be a number in 1 to 1024 or a ThreadPool, got {value!r}"
        )
    return ThreadPool(number)


def cpu_level(value: object) -> str | None:
    """The name of a CPU level, or None."""
    if value is None or isinstance(value, str):
        return value
    raise InvalidArgumentError(f"cpu_level must be a str or None, got {value!r}")


def backend(value: Backend | None) -> Backend | None:
    """One of ``load``'s, or None."""
    if value is None or value in get_args(Backend):
        return value
    raise InvalidArgumentError(
        f"backend must be one of {', '.join(get_args(Backend))}, got {value!r}"
    )


def seconds(name: str, value: object, *, or_zero: bool = False) -> float | None:
    """A positive and finite number, or None."""
    if value is None:
        return None
    number = finite_number(value)
    if number is None or number < 0 or (number == 0 and not or_zero):
        least = "of at least 0" if or_zero else "greater than 0"
        raise InvalidArgumentError(
            f"{name} must be a number {least}, or None; got {value!r}"
        )
    return number


def labels(value: object) -> dict[str, int]:
    """Versions by label."""
    if not isinstance(value, Mapping):
        raise InvalidArgumentError(
            f"labels must be a dict of versions by label, got {value!r}"
        )
    for label in value:
        if not isinstance(label, str) or not label:
            raise InvalidArgumentError(f"a label must be a str, got {label!r}")
    return {label: check_version(version) for label, version in value.items()}
