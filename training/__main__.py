# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m training``."""

from __future__ import annotations

from training.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
