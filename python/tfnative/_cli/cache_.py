# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative cache`."""

from __future__ import annotations

import argparse
import os
import re
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tfnative import cache
from tfnative._cli.common import (
    add_command,
    add_json,
    format_bytes,
    print_json,
    print_table,
)

if TYPE_CHECKING:
    from tfnative._cli.common import Commands
    from tfnative.cache import Entry

_EXAMPLES = """\
  tfnative cache list                     # what is in it, and where it came from
  tfnative cache clear --older-than 30d   # what nobody loaded for 30 days
  tfnative cache clear                    # everything

tfnative.load(path, backend="auto") compiles a SavedModel into the cache when it is
first loaded, and takes it from there after that. What is removed is compiled again
when it is needed; models that are loaded go on working. Beside the models are the
kernels that they are linked with, a set for each CPU level and compiler.

The folder is $TFNATIVE_CACHE, else $XDG_CACHE_HOME/tfnative, else ~/.cache/tfnative.
"""
_UNITS = {"m": 60, "h": 3600, "d": 24 * 3600, "w": 7 * 24 * 3600}


def register(commands: Commands) -> None:
    """Adds the subcommand."""
    parser = add_command(
        commands, "cache", run, "show or clear the cache of compiled models", _EXAMPLES
    )
    parser.add_argument(
        "action",
        choices=("list", "clear", "path"),
        help="list what is in it; clear it; or print its folder",
    )
    parser.add_argument(
        "--older-than",
        type=_age,
        metavar="AGE",
        help="clear only what was not used for so long: 30d, 12h, 45m, 2w (default: "
        "everything)",
    )
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Lists or clears the cache, or prints where it is."""
    if options.action == "path":
        _print_path(as_json=options.json)
    elif options.action == "list":
        _list(options.older_than, as_json=options.json)
    else:
        _clear(options.older_than, as_json=options.json)
    return 0


def _print_path(*, as_json: bool) -> None:
    if as_json:
        print_json({"path": str(cache.path())})
    else:
        print(cache.path())


def _list(older_than: timedelta | None, *, as_json: bool) -> None:
    entries = cache.entries()
    if older_than is not None:
        limit = time.time() - older_than.total_seconds()
        entries = [entry for entry in entries if entry.last_used < limit]
    kernels = cache.kernels_bytes()
    if as_json:
        models = [_described(entry) for entry in entries]
        path = str(cache.path())
        print_json(
            {
                "path": path,
                "kernels": cache.kernels_count(),
                "kernels_bytes": kernels,
                "models": models,
            }
        )
        return
    rows = [
        (
            entry.source,
            _state(entry),
            ",".join(map(str, entry.options.get("batch_sizes", ()))),
            format_bytes(entry.bytes),
            _ago(entry.last_used),
        )
        for entry in entries
    ]
    if rows:
        print_table(("model", "", "batch sizes", "size", "used"), rows)
        print()
    count = _counted(len(rows), "model")
    total = format_bytes(sum(entry.bytes for entry in entries))
    what = f"{count}, {total}" if rows else "no models"
    sets = _counted(cache.kernels_count(), "set")
    print(f"{cache.path()}: {what}; {sets} of kernels, {format_bytes(kernels)}")


def _described(entry: Entry) -> dict[str, Any]:
    refusal = entry.refusal
    return {
        "key": entry.key,
        "source": entry.source,
        "state": _state(entry),
        "options": entry.options,
        "versions": entry.versions,
        "bytes": entry.bytes,
        "created": entry.created,
        "last_used": entry.last_used,
        "seconds": entry.seconds,
        "artifact": None if refusal else os.fspath(entry.artifact),
        "reason": refusal.reason if refusal else None,
        "ops": refusal.ops if refusal else (),
    }


def _state(entry: Entry) -> str:
    if entry.refusal is None:
        return "compiled"
    ops = ", ".join(entry.refusal.ops[:3]) + ", ..." * (len(entry.refusal.ops) > 3)
    return f"not compilable: {ops}" if ops else "not compilable"


def _clear(older_than: timedelta | None, *, as_json: bool) -> None:
    cleared = cache.clear(older_than)
    if as_json:
        print_json(
            {
                "models": cleared.entries,
                "bytes": cleared.bytes,
                "busy": cleared.busy,
                "kernels": cleared.kernels,
                "kernels_busy": cleared.kernels_busy,
            }
        )
        return
    count, sets = _counted(cleared.entries, "model"), _counted(cleared.kernels, "set")
    print(f"removed {count} and {sets} of kernels, {format_bytes(cleared.bytes)}")
    if cleared.busy:
        print(f"left {cleared.busy} that other processes are compiling")
    if cleared.kernels_busy:
        sets = _counted(cleared.kernels_busy, "set")
        print(f"left {sets} of kernels that other processes use")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _ago(when: float) -> str:
    seconds = max(time.time() - when, 0)
    for name, length in (("day", 24 * 3600), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds / length)
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return "just now"


def _age(text: str) -> timedelta:
    """Parses "30d"."""
    match = re.fullmatch(r"(\d+)([mhdw])", text)
    if match is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not an age, as 30d, 12h, 45m or 2w"
        )
    try:
        return timedelta(seconds=int(match[1]) * _UNITS[match[2]])
    except OverflowError:
        raise argparse.ArgumentTypeError(f"{text!r} is too long ago") from None
