# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Checks what a ModelStore is given. All raise InvalidArgumentError."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tfnative._backends.options import Backend, LoadOptions
from tfnative._base.numbers import finite_number
from tfnative._base.options.kinds import Paths
from tfnative._base.text import checked_path, has_utf8
from tfnative._core import ThreadPool
from tfnative._store.catalog import check_version
from tfnative._store.versions import VersionPolicy
from tfnative.errors import InvalidArgumentError


def path(value: object) -> Path:
    """An absolute path, so that it stays what it is in another working directory."""
    return Path(os.path.abspath(checked_path("base_path", value)))


def policy(value: object) -> VersionPolicy:
    """One of the policies."""
    if isinstance(value, VersionPolicy):
        return value
    raise InvalidArgumentError(
        "policy must be Latest(n), AllVersions() or SpecificVersions(...), got "
        f"{value!r}"
    )


def load_options(
    threads: int | ThreadPool,
    cpu_level: str | None,
    backend: Backend | None,
    map_in_place: bool,
    trusted_keys: Paths | None,
) -> LoadOptions:
    """As for ``load``, with a pool of threads for all versions."""
    options = LoadOptions(
        threads=threads,
        cpu_level=cpu_level,
        backend=backend,
        map_in_place=map_in_place,
        trusted_keys=trusted_keys,
    )
    if isinstance(options.threads, ThreadPool):
        return options
    return replace(options, threads=ThreadPool(options.threads))


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
        if not isinstance(label, str) or not label or not has_utf8(label):
            raise InvalidArgumentError(f"a label must be a str, got {label!a}")
    return {label: check_version(version) for label, version in value.items()}
