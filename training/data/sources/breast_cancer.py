# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""scikit-learn's 569 tumours: 30 measures of cells' nuclei, malignant or benign."""

from __future__ import annotations

from training.data.sources.tables import as_source
from training.data.spec import Source


def load() -> Source:
    """The table as it is; models bring the columns to one scale."""
    from sklearn.datasets import load_breast_cancer

    return as_source(load_breast_cancer(), ("malignant", "benign"))
