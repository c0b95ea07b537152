# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Data sets: what they hold, the order that they are read in, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.training.data.kinds import all_kinds, numbered
from training.data import NAMES, Data, open_data
from training.data.sources import fashion, words
from training.data.spec import as_model_input
from training.data.write import write
from training.errors import DataError

pytestmark = pytest.mark.slow
ROWS = {"digits": (1437, 360), "breast_cancer": (455, 114), "diabetes": (353, 89)}


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """A hundred rows, each with its number as feature and as label."""
    folder = tmp_path_factory.mktemp("numbers")
    write("digits", numbered(100), folder / "data", shards=4)
    return open_data("digits", folder / "data")


def order(data: Data, **options: object) -> list[int]:
    batches = data.train(10, **options)  # type: ignore[arg-type]
    return [int(row) for _, labels in batches for row in labels.numpy()]


@pytest.mark.parametrize("name", ROWS)
def test_a_set_of_scikit_learn_is_split_and_read_as_it_was_written(
    name: str, data_root: Path
):
    data = open_data(name, data_root / name)
    features, labels = data.held_out()
    (spec,) = data.features.values()
    (rows,) = features.values()
    assert (data.train_rows, len(labels)) == ROWS[name]
    assert rows.shape == (len(labels), *spec.shape)
    assert rows.dtype == np.float32
    assert bool(data.labels) == (data.task == "classify")


def test_each_way_to_store_rows_gives_them_back(tmp_path: Path):
    source = all_kinds()
    write("digits", source, tmp_path / "d", shards=2)
    features, labels = open_data("digits", tmp_path / "d").held_out()
    assert labels.tolist() == list(range(6))
    for name, spec in source.features.items():
        expected = as_model_input(spec, source.held_out.features[name])
        assert features[name].dtype == expected.dtype == spec.dtype
        np.testing.assert_array_equal(features[name], expected)


def test_each_epoch_has_every_row_once_in_an_order_of_its_own(numbers: Data):
    batches = numbers.train(10, seed=3).take(20)
    rows = [int(row) for _, labels in batches for row in labels.numpy()]
    assert sorted(rows[:100]) == sorted(rows[100:]) == list(range(100))
    assert rows[:100] != rows[100:]
    assert rows[:100] != list(range(100))


def test_a_run_that_is_resumed_sees_what_it_would_have_seen(numbers: Data):
    def labels(batches: object) -> list[list[int]]:
        return [y.numpy().tolist() for _, y in batches]  # type: ignore[attr-defined]

    whole = labels(numbers.train(7, seed=5).take(40))
    for step in (1, 14, 15, 29):
        rest = labels(numbers.train(7, seed=5, first_step=step).take(40 - step))
        assert rest == whole[step:]


def test_workers_share_the_rows(numbers: Data):
    seen = [
        order(numbers, shard=(index, 2), repeat=False, seed=2) for index in range(2)
    ]
    assert sorted(seen[0] + seen[1]) == list(range(100))
    assert not set(seen[0]) & set(seen[1])


@pytest.mark.parametrize("workers", [2, 3])
def test_workers_read_each_row_once_in_an_epoch_of_all(workers: int, numbers: Data):
    def seen(first_step: int, steps: int) -> list[list[list[int]]]:
        return [
            [
                labels.numpy().tolist()
                for _, labels in numbers.train(
                    2, shard=(worker, workers), seed=2, first_step=first_step
                ).take(steps)
            ]
            for worker in range(workers)
        ]

    steps = 100 // (2 * workers)
    epoch = seen(0, steps + 3)
    rows = [row for worker in epoch for batch in worker[:steps] for row in batch]
    assert len(set(rows)) == len(rows) == steps * 2 * workers
    assert seen(steps - 2, 5) == [worker[steps - 2 :] for worker in epoch]


def test_another_seed_is_another_order(numbers: Data):
    assert order(numbers, repeat=False, seed=1) == order(numbers, repeat=False, seed=1)
    assert order(numbers, repeat=False, seed=1) != order(numbers, repeat=False, seed=2)


def damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "cut off":
        path.write_bytes(content[:-20])
    elif how == "changed":
        middle = len(content) // 2
        changed = bytes([content[middle] ^ 0xFF])
        path.write_bytes(content[:middle] + changed + content[middle + 1 :])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "of other rows":
        other = path.with_name(path.name.replace("train-00002", "train-00001"))
        assert len(other.read_bytes()) == len(content)
        path.write_bytes(other.read_bytes())
    else:
        path.unlink()
        if how == "a folder":
            path.mkdir()


DAMAGES = ("cut off", "empty", "changed", "of other rows", "missing", "a folder")


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_shard_is_named_and_left_out_only_if_asked(how: str, tmp_path: Path):
    write("digits", numbered(40), tmp_path / "data", shards=4)
    data = open_data("digits", tmp_path / "data")
    bad = data.index.train[2].file
    damage(tmp_path / "data" / bad, how)
    with pytest.raises(DataError, match=bad) as raised:
        data.checked()
    assert "--skip-corrupt" in str(raised.value)
    kept, damages = data.reading_with(skip_corrupt=True).checked()
    assert [each.file for each in damages] == [bad]
    assert sorted(order(kept, repeat=False)) == [x for x in range(40) if x % 4 != 2]


def test_a_file_without_the_right_to_read_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write("digits", numbered(40), tmp_path / "data", shards=4)
    data = open_data("digits", tmp_path / "data")

    def refused(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("training.data.check.sha256_of", refused)
    with pytest.raises(
        DataError, match=r"-00000-of-.* cannot be read \(Permission denied\)"
    ):
        data.checked()


def test_a_held_out_file_that_is_damaged_after_the_check_is_named(tmp_path: Path):
    write("digits", numbered(40), tmp_path / "data", shards=4)
    data, _ = open_data("digits", tmp_path / "data").checked()
    damage(tmp_path / "data" / data.index.held_out[0].file, "changed")
    with pytest.raises(DataError, match="heldout-00000"):
        data.held_out()


def test_data_is_refused_if_all_of_it_or_what_is_held_out_is_damaged(tmp_path: Path):
    write("digits", numbered(8), tmp_path / "data", shards=2)
    data = open_data("digits", tmp_path / "data").reading_with(skip_corrupt=True)
    for shard in data.index.train:
        damage(tmp_path / "data" / shard.file, "cut off")
    with pytest.raises(DataError, match=r"all 2 shards.*--data-folder \S+ --force"):
        data.checked()
    damage(tmp_path / "data" / data.index.held_out[0].file, "changed")
    with pytest.raises(DataError, match="heldout-00000") as raised:
        data.checked()
    assert "--skip-corrupt" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is damaged"),
        ('{"format": 9}', "has format 9, not 2"),
        ("[]", "is damaged"),
    ],
)
def test_an_index_that_is_none_says_how_to_write_it_again(
    content: str, said: str, tmp_path: Path
):
    (tmp_path / "data.json").write_text(content)
    with pytest.raises(DataError, match=said) as raised:
        open_data("digits", tmp_path)
    assert "--force" in str(raised.value)


def test_files_of_others_are_never_replaced(tmp_path: Path, numbers: Data):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(DataError, match=r"has files, but no data\.json"):
        open_data("digits", tmp_path, force=True)
    with pytest.raises(DataError, match="holds the data 'digits', not 'diabetes'"):
        open_data("diabetes", numbers.folder, force=True)
    assert (tmp_path / "mine.txt").read_text() == "precious"
    assert numbers.checked()[1] == ()


def test_a_folder_that_cannot_be_written_leaves_nothing(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        open_data("diabetes", tmp_path / "file" / "data")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_missing_fashion_mnist_says_the_command_that_brings_it(tmp_path: Path):
    with pytest.raises(DataError, match="apt-get install dataset-fashion-mnist") as it:
        fashion.load(tmp_path)
    assert "--data digits" in str(it.value)


def test_missing_espeak_says_the_command_that_brings_it(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DataError, match="apt-get install espeak-ng"):
        words.load()


def test_unknown_data_lists_what_there_is():
    with pytest.raises(DataError, match=", ".join(NAMES)):
        open_data("mnist")
