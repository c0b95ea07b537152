# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""``spark-submit training/data/spark_job.py NAME --data-folder FOLDER``.

The same as ``python -m training data NAME --with spark``, for those who start their
jobs by spark-submit.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> int:
    """Runs ``data NAME ... --with spark``."""
    here = Path(__file__).resolve().parent
    # Python looks for modules beside a program first, and `index` is a common name.
    sys.path[:] = [path for path in sys.path if Path(path).resolve() != here]
    sys.path.insert(0, str(here.parents[1]))
    from training.cli.main import main as run

    return run(["data", *sys.argv[1:], "--with", "spark"])


if __name__ == "__main__":
    raise SystemExit(main())
