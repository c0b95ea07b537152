# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Who likes what: made up, since no such data lies on a machine that has no network.

Each user and each item has a place on a plane of tastes; a user likes an item that is
near, and errs now and then. A model sees only the numbers of both.
"""

from __future__ import annotations

import numpy as np

from training.data.spec import Arrays, FeatureSpec, Source

USERS, ITEMS = 300, 100
RATED = 60
"""Items that each user has rated."""
HELD_OUT = 0.2
ERRS = 0.03
SEED = 7


def load() -> Source:
    """Pairs of a user and an item, (rows, 1) each, and whether the user likes it."""
    random = np.random.default_rng(SEED)
    users = random.uniform(0, 2 * np.pi, USERS)
    items = random.uniform(0, 2 * np.pi, ITEMS)
    user = np.repeat(np.arange(USERS), RATED)
    item = np.concatenate(
        [random.choice(ITEMS, RATED, replace=False) for _ in range(USERS)]
    )
    liked = np.cos(users[user] - items[item]) > 0
    liked ^= random.random(len(liked)) < ERRS
    order = random.permutation(len(user))
    held_out = int(len(order) * HELD_OUT)

    def part(rows: np.ndarray) -> Arrays:
        features = {
            "user": user[rows, np.newaxis].astype(np.int64),
            "item": item[rows, np.newaxis].astype(np.int64),
        }
        return Arrays(features, liked[rows].astype(np.int64))

    return Source(
        task="classify",
        features={
            "user": FeatureSpec((1,), "int32", "integers", below=USERS),
            "item": FeatureSpec((1,), "int32", "integers", below=ITEMS),
        },
        labels=("skipped", "liked"),
        train=part(order[held_out:]),
        held_out=part(order[:held_out]),
    )
