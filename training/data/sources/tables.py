# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Tables of scikit-learn, split into rows to train on and rows held out."""

from __future__ import annotations

from typing import Any

import numpy as np

from training.data.spec import Arrays, FeatureSpec, Source

HELD_OUT = 0.2
SEED = 7


def as_source(table: Any, labels: tuple[str, ...]) -> Source:
    """A table as a data set with one feature, ``features`` (rows, columns).

    Args:
        table: A Bunch of scikit-learn's, with ``data`` and ``target``.
        labels: Names of the classes, or none to regress.
    """
    from sklearn.model_selection import train_test_split

    target = table.target.astype(np.int64 if labels else np.float32)
    x, x_held_out, y, y_held_out = train_test_split(
        table.data.astype(np.float32),
        target,
        test_size=HELD_OUT,
        random_state=SEED,
        stratify=target if labels else None,
    )
    return Source(
        task="classify" if labels else "regress",
        features={"features": FeatureSpec((x.shape[1],))},
        labels=labels,
        train=Arrays({"features": x}, y),
        held_out=Arrays({"features": x_held_out}, y_held_out),
        assets={"columns.txt": "\n".join(table.feature_names) + "\n"},
    )
