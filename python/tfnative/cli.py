# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The command `tfnative`: a subcommand for each public function."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence

from tfnative._base.file_errors import describe
from tfnative._base.log_lines import without_log_lines
from tfnative._base.termination import Terminated
from tfnative._cli import (
    bench,
    cache_,
    compile_,
    doctor,
    inspect_,
    optimize,
    places,
    run,
    score,
    selftest,
    serve,
    serving,
    sign,
    size,
    streams,
    targets,
    tune,
    wheel,
)
from tfnative._cli.common import FAILURE, USAGE, UsageError
from tfnative._cli.streams import OutputError
from tfnative._core import __version__
from tfnative.errors import Error

_EPILOG = """\
A model's life:
  tfnative optimize saved_models/digits -o build/digits-small
  tfnative compile saved_models/digits -o build/digits --batch-sizes 1,8,32
  tfnative inspect build/digits
  tfnative selftest build/digits
  tfnative run build/digits --input image=images.npy --output probabilities=out.npy
  tfnative score --model build/digits --input 'rows/*.parquet' --output scored/
  tfnative bench build/digits
  tfnative tune build/digits
  tfnative wheel build/digits -o dist --name digits_model --version 1.0.0

A model on a server:
  tfnative sign models/digits/1 --key deploy.key
  tfnative serve models/digits
  tfnative serving predict localhost:8500 digits --input image=images.npy

The machine:
  tfnative doctor
  tfnative targets
  tfnative cache list

Exit codes: 0 success, 1 the model or the data is wrong, 2 the command is.
"""

_LOAD_TENSORFLOW = frozenset(
    {
        *("bench", "compile", "inspect", "optimize", "run", "score", "selftest"),
        *("serve", "targets", "tune"),
    }
)
"""Commands in whose process TensorFlow may be loaded."""


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command line, with all subcommands."""
    parser = argparse.ArgumentParser(
        prog="tfnative",
        description="Compiles TensorFlow models into native libraries and runs them.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in (
        compile_,
        optimize,
        inspect_,
        selftest,
        run,
        score,
        bench,
        tune,
        size,
        targets,
        wheel,
        sign,
        serve,
        serving,
        cache_,
        doctor,
    ):
        module.register(commands)
    return parser


def main(arguments: Sequence[str] | None = None, *, owns_process: bool = False) -> int:
    """Runs the command line; returns the exit code.

    Args:
        arguments: Default: those of the process.
        owns_process: Whether nobody else uses this process, so that a command may
            change it.
    """
    options = make_parser().parse_args(arguments)
    options.owns_process = owns_process
    may_log = owns_process and options.command in _LOAD_TENSORFLOW
    quiet = without_log_lines(streams.messages_to)
    with quiet if may_log else contextlib.nullcontext():
        return _run(options)


def _run(options: argparse.Namespace) -> int:
    try:
        places.check(options)
        code: int = options.function(options)
    except (Error, OutputError) as error:
        print(f"tfnative {options.command}: error: {error}", file=sys.stderr)
        return USAGE if isinstance(error, UsageError) else FAILURE
    except Terminated as told:
        told.is_last()
        name = told.number.name
        print(f"tfnative {options.command}: ended by {name}", file=sys.stderr)
        return 128 + told.number
    except KeyboardInterrupt:
        print(f"tfnative {options.command}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # As in `tfnative inspect ... | head`.
        return FAILURE
    except OSError as error:  # A path that no file can have, or that is out of reach.
        said = describe(error)
        print(f"tfnative {options.command}: error: {said}", file=sys.stderr)
        return FAILURE
    return code


__all__ = ["FAILURE", "USAGE", "main", "make_parser"]
