# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Rows that would be written as something else are refused, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.training.data.kinds import all_kinds
from training.data.spec import Arrays, Source
from training.data.write import write
from training.errors import DataError

ROWS = 6


def with_labels(source: Source, part: str, labels: Any) -> Source:
    rows = getattr(source, part)
    return replace(source, **{part: Arrays(rows.features, labels)})


def with_feature(source: Source, part: str, name: str, values: Any) -> Source:
    rows = getattr(source, part)
    features = {**rows.features, name: values}
    return replace(source, **{part: Arrays(features, rows.labels)})


def placed(values: Any, at: Any, value: Any) -> Any:
    """A copy with another value at one place."""
    copy = np.array(values)
    copy[at] = value
    return copy


NUMBERS = np.arange(ROWS)
LABELS: dict[str, tuple[str, Any, str]] = {
    "negative": ("classify", placed(NUMBERS, 2, -1), "-1 in row 2"),
    "too large": ("classify", placed(NUMBERS, 3, ROWS), "from 0 to 5; .* 6 in row 3"),
    "very large": ("classify", placed(NUMBERS, 3, 2**62), "in row 3"),
    "floats": ("classify", NUMBERS + 0.7, "integers are expected, not float64"),
    "whole floats": ("classify", NUMBERS * 1.0, "integers are expected"),
    "bools": ("classify", NUMBERS > 2, "integers are expected, not bool"),
    "texts": ("classify", NUMBERS.astype(str), "integers are expected"),
    "one hot": ("classify", np.eye(ROWS, dtype=np.int64), r"shape \(6, 6\)"),
    "a column": ("classify", NUMBERS[:, np.newaxis], r"shape \(6, 1\)"),
    "fewer": ("classify", NUMBERS[:-1], "6 rows, but 5 labels"),
    "more": ("classify", np.append(NUMBERS, 0), "6 rows, but 7 labels"),
    "nan": ("regress", placed(NUMBERS * 1.0, 1, np.nan), "nan in row 1"),
    "inf": ("regress", placed(NUMBERS * 1.0, 1, -np.inf), "-inf in row 1"),
    "of float64 alone": ("regress", placed(NUMBERS * 1.0, 0, 1e300), "1e.300 in row 0"),
    "complex": ("regress", NUMBERS * 1j, "numbers are expected"),
    "objects": ("regress", NUMBERS.astype(object), "numbers are expected"),
    "pairs": ("regress", np.ones((ROWS, 2)), r"shape \(6, 2\)"),
}


@pytest.mark.parametrize("part", ["train", "held_out"])
@pytest.mark.parametrize("oddity", LABELS)
def test_a_label_that_is_none_is_named(oddity: str, part: str, tmp_path: Path):
    task, labels, said = LABELS[oddity]
    source = with_labels(all_kinds(ROWS, task), part, labels)
    with pytest.raises(DataError, match=said) as raised:
        write("digits", source, tmp_path / "data", shards=2)
    assert ("to train on" if part == "train" else "held out") in str(raised.value)
    assert list(tmp_path.iterdir()) == []


FEATURES = all_kinds(ROWS).train.features
VALUES: dict[str, tuple[str, Any, str]] = {
    "nan": ("floats", placed(FEATURES["floats"], (4, 1, 1), np.nan), "nan in row 4"),
    "inf": ("floats", placed(FEATURES["floats"], (4, 1, 1), np.inf), "inf in row 4"),
    "float64 alone": (
        "floats",
        placed(FEATURES["floats"].astype(np.float64), 0, 1e39),
        "6 values of 1 rows are no numbers of float32",
    ),
    "objects": ("floats", FEATURES["floats"].astype(object), "not object"),
    "other shape": ("floats", FEATURES["floats"][:, :2], r"\(2, 2\), not \(3, 2\)"),
    "no rows": ("floats", FEATURES["floats"][:0], "0 rows, but 6 labels"),
    "a number": ("floats", np.float32(1), "0 rows, but 6 labels"),
    "not below": ("integers", placed(FEATURES["integers"], 1, 9), "from 0 to 8; .* 9"),
    "negative": ("integers", placed(FEATURES["integers"], 1, -1), "-1 in row 1"),
    "fractions": ("integers", FEATURES["integers"] + 0.5, "not float64"),
    "pixels in [0, 1]": ("pixels", FEATURES["pixels"] / 255, "uint8, not float64"),
    "pixels of int64": ("pixels", FEATURES["pixels"].astype(int), "uint8, not int64"),
    "samples in [-1, 1]": (
        "samples",
        (FEATURES["samples"] / 32768).astype(np.float32),
        "samples are int16, not float32",
    ),
    "letters": ("text", np.array(["a"] * ROWS, object), "lines are bytes"),
    "not ASCII": ("text", np.array([b"\xff"] * ROWS, object), "not below 128"),
}


@pytest.mark.parametrize("part", ["train", "held_out"])
@pytest.mark.parametrize("oddity", VALUES)
def test_a_value_that_does_not_fit_is_named(oddity: str, part: str, tmp_path: Path):
    feature, values, said = VALUES[oddity]
    source = with_feature(all_kinds(ROWS), part, feature, values)
    with pytest.raises(DataError, match=said) as raised:
        write("digits", source, tmp_path / "data", shards=2)
    assert f"feature {feature!r}" in str(raised.value)
    assert list(tmp_path.iterdir()) == []


SOURCES: dict[str, tuple[Callable[[Source], Source], str]] = {
    "a class that is only held out": (
        lambda it: with_labels(it, "train", np.minimum(NUMBERS, 4)),
        "no rows to train on of 'class 5'",
    ),
    "one class to train on": (
        lambda it: with_labels(it, "train", NUMBERS * 0),
        "of 'class 1', 'class 2'",
    ),
    "one class": (
        lambda it: replace(
            with_labels(with_labels(it, "train", NUMBERS * 0), "held_out", NUMBERS * 0),
            labels=("x",),
        ),
        "names 1 classes: name two classes at least",
    ),
    "classes to regress": (
        lambda it: replace(it, task="regress"),
        "names 6 classes: name no classes",
    ),
    "another task": (lambda it: replace(it, task="rank"), "to 'rank'"),
    "a class of two lines": (
        lambda it: replace(it, labels=("a\nb", *it.labels[1:])),
        "in one line",
    ),
    "a class without a name": (
        lambda it: replace(it, labels=("", *it.labels[1:])),
        "in one line",
    ),
    "two of one name": (
        lambda it: replace(it, labels=(it.labels[1], *it.labels[1:])),
        "a name of its own",
    ),
    "an asset elsewhere": (
        lambda it: replace(it, assets={"../x": ""}),
        "without a folder",
    ),
    "an asset of labels": (
        lambda it: replace(it, assets={"labels.txt": ""}),
        "other than labels.txt",
    ),
    "another feature": (
        lambda it: with_feature(it, "train", "more", NUMBERS),
        "not the features",
    ),
    "values without room for their variance": (
        lambda it: with_feature(
            it, "train", "floats", placed(it.train.features["floats"], 0, 3e38)
        ),
        "the values have a variance of",
    ),
}


@pytest.mark.parametrize("oddity", SOURCES)
def test_data_of_which_nothing_is_learned_is_refused(oddity: str, tmp_path: Path):
    change, said = SOURCES[oddity]
    with pytest.raises(DataError, match=said):
        write("digits", change(all_kinds(ROWS)), tmp_path / "data", shards=2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "uint64"])
def test_whole_numbers_of_any_size_are_labels(dtype: str, tmp_path: Path):
    source = with_labels(all_kinds(ROWS), "train", NUMBERS.astype(dtype))
    write("digits", source, tmp_path / "data", shards=2)


def test_a_held_out_part_may_lack_classes(tmp_path: Path):
    source = with_labels(all_kinds(ROWS), "held_out", NUMBERS * 0)
    write("digits", source, tmp_path / "data", shards=2)
