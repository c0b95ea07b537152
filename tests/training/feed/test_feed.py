# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Ways to feed give the same rows; the queue's capacity bounds what waits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from training.cli.main import main
from training.data import Data, open_data
from training.errors import DataError
from training.feed import FeedOptions, measure
from training.feed.ways import WAYS, pipeline, python_batches, queue_batches

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def digits(data_root: Path) -> Data:
    return open_data("digits", data_root / "digits")


def test_python_and_tf_data_parse_the_same_rows(digits: Data):
    ours = next(python_batches(digits, FeedOptions("numpy", batch_size=1437)))
    theirs = next(iter(pipeline(digits, FeedOptions("tf.data", batch_size=1437))))

    def rows(batch: object) -> list[bytes]:
        features, labels = batch  # type: ignore[misc]
        pairs = zip(features["image"], labels, strict=True)
        return sorted(bytes(memoryview(image)) + bytes([y]) for image, y in pairs)

    as_arrays = ({"image": theirs[0]["image"].numpy()}, theirs[1].numpy())
    assert rows(ours) == rows(as_arrays)


def test_a_queue_holds_no_more_batches_than_its_capacity(digits: Data):
    import time

    options = FeedOptions("queue", batch_size=16, threads=2, capacity=3)
    dequeue, close = queue_batches(digits, options)
    queue = dequeue.__self__
    try:
        deadline = time.monotonic() + 60
        while int(queue.size()) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        assert int(queue.size()) == 3
        rows, labels = dequeue()
        assert (rows.shape, labels.shape) == ((16, 8, 8, 1), (16,))
    finally:
        close()


def test_the_command_measures_all_ways_and_draws_them(
    digits: Data, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    plot = tmp_path / "charts" / "feed.png"
    arguments = ["feed", "--data-folder", str(digits.folder), "--json", "--steps", "5"]
    arguments += ["--num-processing-threads", "1", "2", "--plot", str(plot)]
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    ways = [each["options"]["way"] for each in found]
    assert list(dict.fromkeys(ways)) == list(WAYS)
    assert ways.count("tf.data") == ways.count("queue") == 2
    for each in found:
        assert each["steps_per_second"] > 0
        assert 0 <= each["input_share"] <= 1
        assert each["batch_bytes"] == 128 * (64 * 4 + 8)
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_data_that_python_does_not_parse_is_refused(tmp_path: Path):
    data = open_data("ratings", tmp_path / "ratings")
    with pytest.raises(DataError, match="ratings is neither"):
        measure(data, FeedOptions("numpy"))
