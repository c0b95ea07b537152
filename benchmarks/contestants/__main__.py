# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""python -m benchmarks.contestants NAME SAVED_MODEL BATCH_SIZES PRECISION: converts.

Beside the SavedModel; the last line printed is the path of what the runtime loads.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import contestants


def main(name: str, saved_model: str, batch_sizes: str, precision: str) -> None:
    """Converts for some batch sizes, which have commas between them."""
    path = Path(saved_model)
    sizes = [int(size) for size in batch_sizes.split(",")]
    print(contestants.find(name).prepare(path, path.parent, sizes, precision))


if __name__ == "__main__":
    main(*sys.argv[1:])
