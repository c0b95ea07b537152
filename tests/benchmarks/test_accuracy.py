# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A trained network tells as many digits apart in 8 bits, within half a point."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.accuracy import __main__ as command
from benchmarks.accuracy.data import CALIBRATED_WITH, DataSet, Images, fashion_mnist
from benchmarks.accuracy.measure import WAYS, Accuracy, Way, accuracies
from benchmarks.accuracy.networks import trained

INT8 = Way("int8", "mse")
SEEN = 0.95


@pytest.mark.slow
def test_eight_bits_lose_at_most_half_a_point_of_digits(tmp_path: Path):
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    from benchmarks.accuracy.data import digits

    data = digits()
    saved_model = trained("cnn", data, tmp_path, epochs=10)
    exact, rounded = accuracies("cnn", saved_model, data, (WAYS[0], INT8))
    assert exact.right > SEEN * len(data.test.labels) > 800
    assert exact.drop == 0
    assert rounded.drop <= 0.5


def test_samples_are_some_of_the_training_images():
    pixels = np.arange(1000, dtype=np.float32).reshape(-1, 1, 1, 1)
    labels = np.zeros(1000, np.int64)
    data = DataSet("any", Images(pixels, labels), Images(-pixels, labels))
    chosen = data.samples.ravel()
    assert len(np.unique(chosen)) == CALIBRATED_WITH
    assert chosen.min() >= 0
    np.testing.assert_array_equal(chosen, data.samples.ravel())


def test_files_of_fashion_mnist_are_read(tmp_path: Path):
    rng = np.random.default_rng(2)
    for part, count in (("train", 5), ("t10k", 3)):
        pixels = rng.integers(256, size=(count, 4, 6), dtype=np.uint8)
        header = np.array([0x803, count, 4, 6], ">u4").tobytes()
        path = tmp_path / f"{part}-images-idx3-ubyte.gz"
        path.write_bytes(gzip.compress(header + pixels.tobytes()))
        header = np.array([0x801, count], ">u4").tobytes()
        path = tmp_path / f"{part}-labels-idx1-ubyte.gz"
        path.write_bytes(gzip.compress(header + bytes(range(count))))
    data = fashion_mnist(tmp_path)
    assert data.training.pixels.shape == (5, 4, 6, 1)
    np.testing.assert_array_equal(data.test.labels, [0, 1, 2])
    np.testing.assert_allclose(data.test.pixels[..., 0] * 255, pixels, atol=1e-4)


def test_without_its_files_the_package_is_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="package dataset-fashion-mnist"):
        fashion_mnist(tmp_path)


@pytest.mark.parametrize(("lost", "code"), [(3, 0), (4, 1)])
def test_more_than_three_in_a_thousand_lost_is_a_failure(
    lost: int,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    def found(network: str, _: Path, data: Any) -> Iterator[Accuracy]:
        yield Accuracy(data, network, WAYS[0], 900, 1000, 0.0)
        yield Accuracy(data, network, INT8, 900 - lost, 1000, lost / 10)

    monkeypatch.setattr(command, "DATA_SETS", {"digits": lambda: "digits"})
    monkeypatch.setattr(command, "trained", lambda *_: tmp_path)
    monkeypatch.setattr(command, "accuracies", found)
    options = ["--data", "digits", "--networks", "cnn"]
    assert command.main([*options, "--json", str(tmp_path / "a.json")]) == code
    printed = capsys.readouterr().out
    assert "| float32 | 90.00 % |" in printed
    assert f"| int8, mse | {90 - lost / 10:.2f} % (-{lost / 10:.2f}) |" in printed
    results = json.loads((tmp_path / "a.json").read_text())["results"]
    assert [each["drop"] for each in results] == [0.0, lost / 10]
    assert results[1]["way"] == {"precision": "int8", "method": "mse"}


@pytest.mark.parametrize("option", ["--data=cats", "--networks=dogs"])
def test_what_is_not_known_is_refused(option: str):
    with pytest.raises(SystemExit) as error_info:
        command.main([option])
    assert error_info.value.code == 2
