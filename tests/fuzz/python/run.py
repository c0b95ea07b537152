# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Fuzzes a target with atheris, from its corpus.

python -m tests.fuzz.python.run TARGET SECONDS

What made a target fail is written to build/fuzz; put it into the corpus with the fix.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["tfnative"], enable_loader_override=False):
    from tests.fuzz.python.targets import CORPUS, TARGETS

MOST_BYTES = 4096
"""Of an input."""
MOST_MEMORY = 4 << 30
"""Bytes that a target may add to those of Python and its libraries."""


def main(name: str, seconds: str) -> None:
    """Runs until the time is over, or the target fails."""
    found = Path("build", "fuzz", name)
    found.mkdir(parents=True, exist_ok=True)
    _limit_memory()
    arguments = [
        sys.argv[0],
        f"-max_total_time={seconds}",
        f"-max_len={MOST_BYTES}",
        f"-artifact_prefix={found}/failed-",
        "-timeout=20",
        "-rss_limit_mb=0",  # It takes that of the process that started this one, too.
        "-print_final_stats=1",
        str(found),
        str(CORPUS / name),
    ]
    atheris.Setup(arguments, TARGETS[name])
    atheris.Fuzz()


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MOST_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    main(*sys.argv[1:])
