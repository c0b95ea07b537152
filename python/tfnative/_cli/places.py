# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What each command reads and writes, so that no output takes another's place."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from tfnative._base.output_places import check_no_device, check_places
from tfnative._cli.common import UsageError
from tfnative.errors import InvalidArgumentError

OUTPUTS: Mapping[str, tuple[str, ...]] = {
    "bench": ("trace",),
    "compile": ("output", "dump_hlo", "precision_report"),
    "inspect": ("graph", "model_explorer", "memory"),
    "optimize": ("output", "report"),
    "run": ("output",),
    "score": ("output",),
    "serving predict": ("output",),
    "sign": ("new_key",),
    "tune": ("output", "chart", "json"),
}
"""By command, its options that name a file, or a folder, to write as a whole."""

WHOLE_MODELS: Mapping[str, tuple[str, ...]] = {
    "compile": ("output", "dump_hlo"),
    "optimize": ("output",),
}
"""By command, those of them that cannot be a device or a pipe: what is there is looked
at, replaced and read again."""

MODELS: Mapping[str, str] = {
    "bench": "model",
    "compile": "model",
    "inspect": "model",
    "optimize": "model",
    "run": "model",
    "score": "model",
    "sign": "artifact",
    "tune": "artifact",
}
"""By command, its argument that names the model, or several, that it reads."""


def check(options: argparse.Namespace) -> None:
    """Checks where a command is told to write, before it does anything.

    Raises:
        UsageError: An output would be lost, or would be a part of the model.
    """
    command = options.command
    if command == "serving":
        command = f"serving {options.action}"
    outputs = [
        (flag, path)
        for name in OUTPUTS.get(command, ())
        for flag, path in _paths(name, getattr(options, name, None), options)
    ]
    if not outputs:
        return
    for name in WHOLE_MODELS.get(command, ()):
        for flag, path in _paths(name, getattr(options, name, None), options):
            try:
                check_no_device(path, flag)
            except InvalidArgumentError as error:
                raise UsageError(str(error)) from None
    models = getattr(options, MODELS[command]) if command in MODELS else None
    listed = [models] if isinstance(models, str) else models or []
    try:
        check_places(outputs, listed)
    except InvalidArgumentError as error:
        raise UsageError(str(error)) from None


def _paths(
    name: str, value: Any, options: argparse.Namespace
) -> Iterator[tuple[str, str]]:
    """The paths that an option names, each with what to call it."""
    flag = f"--{name.replace('_', '-')}"
    if value is None or value == "-":
        return
    if not isinstance(value, str):  # Outputs by name: NAME=FILE.npy.
        for each in value:
            output, equals, file = each.partition("=")
            yield (f"{flag} {output}", file) if equals else (f"{flag} {each}", each)
        return
    yield flag, value
    if name in _BESIDE:
        yield from _BESIDE[name](flag, value, options)


def times_file(path: str) -> str:
    """Where times are written, beside a graph for Model Explorer."""
    return f"{os.path.splitext(path)[0]}.times.json"


def _times(
    flag: str, path: str, options: argparse.Namespace
) -> Iterable[tuple[str, str]]:
    return [(f"the times of {flag}", times_file(path))] if options.profile else []


def _public(
    flag: str, path: str, options: argparse.Namespace
) -> Iterable[tuple[str, str]]:
    del options
    return [(f"the public key of {flag}", f"{path}.pub")]


_BESIDE: Mapping[
    str, Callable[[str, str, argparse.Namespace], Iterable[tuple[str, str]]]
] = {"model_explorer": _times, "new_key": _public}
"""Options beside whose file another one is written."""
