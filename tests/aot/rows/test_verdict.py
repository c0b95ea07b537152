# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Rows are proved independent where they are, and nowhere else."""

from __future__ import annotations

import pytest
import tensorflow as tf  # noqa: TID253 - only imported where there is one

from tests.aot.rows.functions import DEPENDENT, INDEPENDENT, Function, verdict_on


@pytest.mark.parametrize("function", DEPENDENT.values(), ids=DEPENDENT.keys())
def test_rows_that_depend_on_others_or_on_their_number_are_not_proved(
    function: Function,
):
    verdict = verdict_on(function)
    assert verdict.kind in ("dependent", "unknown")
    assert verdict.reason


@pytest.mark.parametrize("function", INDEPENDENT.values(), ids=INDEPENDENT.keys())
def test_rows_that_depend_on_themselves_alone_are_proved(function: Function):
    verdict = verdict_on(function)
    assert (verdict.kind, verdict.reason) == ("proved", "")


def test_the_node_that_mixes_rows_is_named():
    verdict = verdict_on(lambda x: tf.cumsum(x * 2, 0, name="running_total") + 1)
    assert verdict.node == "running_total"
    assert verdict.reason == "running_total (Cumsum) reduces over neighbouring rows"


def test_a_node_that_decides_by_the_number_of_rows_is_named():
    verdict = verdict_on(
        lambda x: tf.cond(
            tf.equal(tf.shape(x)[0], 5, name="five"), lambda: -x, lambda: x
        )
    )
    assert verdict.node == "five"
