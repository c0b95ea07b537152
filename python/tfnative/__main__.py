# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""python -m tfnative."""

from __future__ import annotations

import sys

from tfnative.cli import main

if __name__ == "__main__":
    sys.exit(main())
