# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How long it takes to load a compiled model: copied and in place, verified or not.

python -m benchmarks.loading build/digits
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

import tfnative

WAYS = {
    "copied": {},
    "copied, unverified": {"verify": False},
    "in place": {"map_in_place": True},
    "in place, unverified": {"map_in_place": True, "verify": False},
}
"""Options of ``load``, by what they are called in the table."""


def milliseconds(artifact: str, options: Mapping[str, bool], rounds: int) -> float:
    """The processor's time, the median of many loads of files that are in memory."""
    taken = []
    for _ in range(rounds):
        begin = time.process_time()
        model = tfnative.load(artifact, options=tfnative.LoadOptions(**options))
        taken.append(1e3 * (time.process_time() - begin))
        model.close()
    return statistics.median(taken)


def own_megabytes(artifact: str, options: Mapping[str, bool]) -> float:
    """The memory of a process that has loaded it and shares that with no other."""
    code = (
        "import tfnative\n"
        f"options = tfnative.LoadOptions(**{options})\n"
        f"model = tfnative.load({artifact!r}, options=options)\n"
        "print(open('/proc/self/status').read())"
    )
    status = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    kinds = ("RssAnon", "RssShmem")  # What files have is everybody's.
    return sum(int(status.split(f"{kind}:")[1].split()[0]) for kind in kinds) / 1e3


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("artifact", nargs="+", help="folder of a compiled model")
    parser.add_argument("--rounds", type=int, default=50, help="loads of each")
    options = parser.parse_args(arguments)
    for artifact in options.artifact:
        with tfnative.load(artifact) as model:
            megabytes = model.manifest.weights_bytes / 1e6
        print(f"{artifact}: {megabytes:.1f} MB of weights")
        taken = {
            way: milliseconds(artifact, asked, options.rounds)
            for way, asked in WAYS.items()
        }
        for way, asked in WAYS.items():
            print(
                f"  {way:21} {taken[way]:8.2f} ms, "
                f"{own_megabytes(artifact, asked):6.1f} MB of its own, "
                f"{taken[way] / taken['in place']:5.2f} x in place"
            )


if __name__ == "__main__":
    main()
