# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""scikit-learn's 1,797 handwritten digits, 8x8 pixels."""

from __future__ import annotations

import numpy as np

from training.data.spec import Arrays, FeatureSpec, Source

LABELS = tuple("zero one two three four five six seven eight nine".split())
HELD_OUT = 0.2
SEED = 7


def load() -> Source:
    """Images in [0, 1]; every class is in both parts."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    data = load_digits()
    images = (data.images / 16.0).astype(np.float32)[..., np.newaxis]
    x, x_held_out, y, y_held_out = train_test_split(
        images,
        data.target.astype(np.int64),
        test_size=HELD_OUT,
        random_state=SEED,
        stratify=data.target,
    )
    return Source(
        task="classify",
        features={"image": FeatureSpec((8, 8, 1))},
        labels=LABELS,
        train=Arrays({"image": x}, y),
        held_out=Arrays({"image": x_held_out}, y_held_out),
    )
