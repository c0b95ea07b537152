# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What was counted can be asked for shares of it, and compared."""

from __future__ import annotations

import pytest

import tfnative
from tests.python.batch.models import Slow, rows
from tfnative._batch.metrics import Histogram

# One value up to 1, two up to 10, four up to 100, and one beyond.
SOME = Histogram((1.0, 10.0, 100.0), (1, 2, 4, 1), 300.0)


@pytest.mark.parametrize(
    ("share", "value"),
    [
        (0, 0),
        (1 / 16, 0.5),
        (1 / 8, 1),
        (2 / 8, 5.5),
        (3 / 8, 10),
        (4 / 8, 32.5),
        (7 / 8, 100),
        (1, 100),
    ],
)
def test_a_share_lies_between_the_bounds_where_it_ends(share, value):
    assert SOME.quantile(share) == pytest.approx(value)


def test_without_values_all_is_zero():
    none = Histogram((1.0,), (0, 0), 0.0)
    assert (none.count, none.mean, none.quantile(0.5)) == (0, 0, 0)
    assert (SOME.count, SOME.mean) == (8, 300 / 8)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_what_is_no_share_is_refused(share):
    with pytest.raises(tfnative.InvalidArgumentError, match="q must be in 0 to 1"):
        SOME.quantile(share)


def test_snapshots_are_the_same_while_nothing_happens():
    with tfnative.Batcher(Slow()) as batcher:
        batcher.predict(rows())
        before = batcher.metrics()
        assert batcher.metrics() == before
        batcher.predict(rows())
        assert batcher.metrics() != before
