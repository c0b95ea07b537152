# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Runs pytest, or another check, on copies of the packages, of which one is mutated.

The copies stand before the installed packages in PYTHONPATH, so that the processes
which tests start have the mutant too.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.mutant import ROOT, Outcome
from tests.mutants.warm import Warm

START_SECONDS = 30.0
"""What pytest takes until the first test."""
LEAST_SECONDS = 6.0
"""Of one test, which may wait for other work of the machine."""
HANGS = "+++ Timeout +++"
"""What pytest-timeout writes before it ends the process, since a test hangs."""

_WARM: dict[Path, Warm] = {}
"""What runs the tests of each folder."""


@dataclass(frozen=True)
class Tested:
    """What tests said.

    Attributes:
        outcome: CAUGHT, TIMED_OUT or SURVIVED.
        said: What failed, as pytest has it.
        hung_test: The name of the test that did not end, if that is known.
        is_slow: Whether they took far longer than usual: then it may be that they
            failed since the machine has other work.
    """

    outcome: Outcome
    said: str = ""
    hung_test: str = ""
    is_slow: bool = False

    @property
    def failed_test(self) -> str:
        """The name of the test that failed, if one did."""
        is_failed = self.said.startswith("FAILED ")
        return self.said[len("FAILED ") :].partition(" - ")[0] if is_failed else ""


def run_tests(seconds: Mapping[str, float], folder: Path, slower: float) -> Tested:
    """Runs tests until one fails.

    Args:
        seconds: What each takes without a change, by its name, in the order to run.
        folder: Has the copies of the packages.
        slower: What takes as many times longer hangs.
    """
    if not seconds:
        return Tested(Outcome.SURVIVED)
    names = folder / "tests.txt"
    names.write_text("".join(f"{name}\n" for name in seconds))
    of_one = slower * max([LEAST_SECONDS, *seconds.values()])
    usual = START_SECONDS + sum(seconds.values())
    arguments = ["-v", "-x", "-p", "no:cacheprovider", f"--timeout={of_one}"]
    arguments += ["--timeout-method=thread", f"@{names}"]
    warm = _WARM.get(folder)
    if warm is None:
        warm = _WARM[folder] = Warm(ROOT, _environment(folder))
    output = folder / "output.txt"
    begin = time.monotonic()
    status = warm.run(arguments, output, slower * usual)
    said = None
    if status is not None:
        said = "" if status == 0 else _failure(output.read_text())
    is_slow = time.monotonic() - begin > usual
    if said is None or said.startswith(HANGS):
        hung = _begun_last(seconds, "" if said is None else said)
        return Tested(Outcome.TIMED_OUT, "pytest", hung, is_slow)
    outcome = Outcome.CAUGHT if said else Outcome.SURVIVED
    return Tested(outcome, said, is_slow=is_slow)


def run_check(
    command: list[str], limit_seconds: float, cwd: Path, folder: Path
) -> str | None:
    """Runs a check of a mutant: "", or what failed, or None if it took too long."""
    output = folder / "output.txt"  # A pipe would stay open in what a test has started.
    with output.open("w") as file:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=_environment(folder),
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        process.wait(limit_seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return "" if process.returncode == 0 else _failure(output.read_text())


def _environment(folder: Path) -> dict[str, str]:
    paths = f"{folder / 'python'}{os.pathsep}{folder / 'aot'}"
    return os.environ | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}


def _begun_last(names: Iterable[str], said: str) -> str:
    """The test of which pytest has told last that it begins, or ""."""
    lines = [line for line in said.splitlines() if "::" in line]
    begun = [name for name in names if lines and lines[-1].startswith(name)]
    return max(begun, key=len, default="")


def _failure(text: str) -> str:
    """Which test failed first, of what pytest said; or the end of it.

    If one hangs, what pytest said before stands behind ``HANGS``.
    """
    before, hangs, _ = text.partition(HANGS)
    if hangs:
        return HANGS + before
    lines = text.splitlines()
    failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    return failed[0] if failed else text[-200:] or "no output"
