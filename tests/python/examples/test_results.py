# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The best classes of each example."""

from __future__ import annotations

import numpy as np

from tfnative import Classifications

SCORES = np.array([[0.1, 0.7, 0.2], [0.5, 0.25, 0.25]], np.float32)


def test_the_best_come_first():
    labels = np.array(["a", "b", "c"], object)
    found = Classifications(labels, SCORES)
    assert [[label for label, _ in row] for row in found.top(2)] == [
        ["b", "c"],
        ["a", "b"],
    ]
    assert found.top()[1] == [("a", 0.5)]
    assert len(found) == 2


def test_classes_without_labels_have_numbers():
    assert Classifications(None, SCORES).top(1)[0][0][0] == 1


def test_each_example_may_have_labels_of_its_own():
    labels = np.array([["a", "b", "c"], ["d", "e", "f"]], object)
    found = Classifications(labels, SCORES)
    assert [row[0][0] for row in found.top()] == ["b", "d"]


def test_labels_without_scores_come_in_the_models_order():
    labels = np.array([["a", "b"]], object)
    assert Classifications(labels, None).top(5) == [[("a", None), ("b", None)]]


def test_what_is_not_a_number_comes_last():
    scores = np.array([[np.nan, 0.5]], np.float32)
    assert Classifications(None, scores).top(1)[0][0][0] == 1
