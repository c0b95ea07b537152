# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""scikit-learn's 442 patients: 10 measures, and the disease a year later, 25 to 346."""

from __future__ import annotations

from training.data.sources.tables import as_source
from training.data.spec import Source


def load() -> Source:
    """The table as it is, its columns already of one scale."""
    from sklearn.datasets import load_diabetes

    return as_source(load_diabetes(), ())
