# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How long it takes to load a compiled model, with and without its weights' checksum.

python -m benchmarks.loading build/digits
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence

import tfnative


def milliseconds(artifact: str, *, verify: bool, rounds: int) -> float:
    """The median of many loads of files that are in memory."""
    taken = []
    for _ in range(rounds):
        begin = time.perf_counter()
        model = tfnative.load(artifact, verify=verify)
        taken.append(1e3 * (time.perf_counter() - begin))
        model.close()
    return statistics.median(taken)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("artifact", nargs="+", help="folder of a compiled model")
    parser.add_argument("--rounds", type=int, default=50, help="loads of each")
    options = parser.parse_args(arguments)
    for artifact in options.artifact:
        with tfnative.load(artifact) as model:
            megabytes = model.manifest.weights_bytes / 1e6
        with_it, without = (
            milliseconds(artifact, verify=verify, rounds=options.rounds)
            for verify in (True, False)
        )
        print(
            f"{artifact}: {megabytes:.1f} MB of weights, {with_it:.2f} ms verified, "
            f"{without:.2f} ms not: {with_it - without:.2f} ms for the checksum"
        )


if __name__ == "__main__":
    main()
