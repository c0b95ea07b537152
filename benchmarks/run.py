# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Measures workloads and compares them with our targets: `make bench`.

Exits with 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

# The script's own folder would let `benchmarks/contestants/tensorflow.py` and the like
# be found by other names.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from benchmarks import report, workloads  # noqa: E402
from benchmarks.measure import machine  # noqa: E402


def main() -> int:
    """Runs the workloads named on the command line, or all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "workloads", nargs="*", help=f"of {', '.join(workloads.NAMES)}; default: all"
    )
    parser.add_argument("--json", type=Path, help="also write the results to this file")
    options = parser.parse_args()
    unknown = set(options.workloads) - set(workloads.NAMES)
    if unknown:
        parser.error(f"unknown workload: {', '.join(sorted(unknown))}")
    chosen = options.workloads or workloads.NAMES
    for name in chosen:
        if missing := workloads.missing(name):
            parser.error(
                f"{name} needs {', '.join(missing)}: pip install '.[bench]' brings all"
                " that is compared with"
            )
    measured = []
    with tempfile.TemporaryDirectory(prefix="tfnative-bench-") as folder:
        for name in chosen:
            print(f"measuring {name} ...", file=sys.stderr, flush=True)
            measured += workloads.find(name)(Path(folder))
    known = machine()
    print(", ".join(f"{key} {value}" for key, value in known.items()))
    print(report.table(measured))
    if options.json:
        content = json.dumps(report.as_json(measured, known), indent=2)
        options.json.write_text(content + "\n")
    return 1 if any(report.passes(m, measured) is False for m in measured) else 0


if __name__ == "__main__":
    raise SystemExit(main())
