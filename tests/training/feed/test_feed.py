# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Ways to feed give the same rows; the queue's capacity bounds what waits."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.training.cluster.clusters import only_all
from training.apart import apart
from training.cli.feed import combinations
from training.cli.main import main, make_parser
from training.data import Data, open_data
from training.data.spec import Arrays, FeatureSpec, Source
from training.data.write import write
from training.errors import DataError
from training.feed import Feeding, FeedOptions, measure
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
    queue = dequeue.args[0]
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


def test_a_thread_that_fails_ends_the_measurement(tmp_path: Path, digits: Data):
    shutil.copytree(digits.folder, tmp_path / "data")
    data = open_data("digits", tmp_path / "data")
    for shard in data.index.train:
        (tmp_path / "data" / shard.file).unlink()
    with pytest.raises(DataError, match=r"a thread that reads .* failed"):
        measure(data, FeedOptions("queue", 8, 2, 4, steps=2))


def test_the_command_measures_all_ways_and_draws_them(
    digits: Data, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    plot = tmp_path / "charts" / "feed.png"
    arguments = ["feed", "--data-folder", str(digits.folder), "--json", "--steps", "5"]
    arguments += ["--num-processing-threads", "2", "--plot", str(plot)]
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["options"]["way"] for each in found] == list(WAYS)
    for each in found:
        assert each["steps_per_second"] > 0
        assert 0 <= each["input_share"] <= 1
        assert each["batch_bytes"] == 128 * (64 * 4 + 8)
        assert [step for step, _ in each["resident_over_steps"]] == list(range(10))
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_only_ways_with_threads_and_a_queue_are_measured_with_several():
    arguments = ["feed", "--num-processing-threads", "1", "2", "--queue-capacity"]
    parsed = make_parser().parse_args([*arguments, "4", "8", "--step-ms", "20"])
    found = combinations(parsed)
    ways = [each.way for each in found]
    assert [ways.count(way) for way in WAYS] == [1, 1, 4, 4]
    pairs = [(each.threads, each.capacity) for each in found if each.way == "queue"]
    assert pairs == [(1, 4), (1, 8), (2, 4), (2, 8)]
    assert {each.step_seconds for each in found} == {0.02}


def test_data_that_python_does_not_parse_is_refused(tmp_path: Path):
    data = open_data("ratings", tmp_path / "ratings")
    with pytest.raises(DataError, match="ratings is neither"):
        measure(data, FeedOptions("numpy"))


LITTLE, MUCH = 4, 300
STEPS = 12
BATCH_BYTES = 4 * 128 * 128 * 4 + 4 * 8
SLACK_BYTES = 50e6
"""For what else grows: threads with their stacks, files, Python."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """Images of 128 x 128, of which a batch of 4 is 262 kB."""
    random = np.random.default_rng(4)
    images = random.integers(0, 255, (16, 128, 128, 1), np.uint8)
    part = Arrays({"image": images}, np.arange(16) % 3)
    features = {"image": FeatureSpec((128, 128, 1), stored="pixels")}
    folder = tmp_path_factory.mktemp("photos") / "photos"
    source = Source("classify", features, ("a", "b", "c"), part, part)
    write("digits", source, folder, shards=2)
    return open_data("digits", folder)


@pytest.mark.parametrize("way", ["queue", pytest.param("tf.data", marks=only_all)])
def test_memory_is_bounded_by_the_capacity_of_the_queue(way: str, photos: Data):
    def fed(capacity: int, seconds: float) -> Feeding:
        # Steps so long that any queue is full soon, and would go on to grow.
        options = FeedOptions(way, 4, 2, capacity, STEPS, step_seconds=seconds)
        found: Feeding = apart(measure, photos, options)
        assert found.batch_bytes == BATCH_BYTES
        assert len(found.resident_over_steps) > STEPS
        for step, grown in found.resident_over_steps:
            assert grown < (capacity + 4) * BATCH_BYTES + SLACK_BYTES, f"at step {step}"
        return found

    little = fed(LITTLE, 0.1)
    for seconds in (0.1, 1.0, 8.0):  # A machine that is busy fills it more slowly.
        more = fed(MUCH, seconds).resident_bytes - little.resident_bytes
        if more > (MUCH - LITTLE) * BATCH_BYTES / 2:
            return
    pytest.fail(f"with {MUCH} batches that may wait, memory grew by {more} bytes more")
