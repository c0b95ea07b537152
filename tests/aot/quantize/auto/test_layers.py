# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Layers without ranges of samples are chosen of as any, and errors are the artifact's.

What is said to be lost is what the reference loses that artifacts are compared with.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.aot.quantize.auto.blobs import workshop
from tests.aot.quantize.auto.sequences import INPUTS, LAYERS, STEPS, samples, save
from tfnative import cli
from tfnative.manifest import Manifest, Precision
from tfnative_aot.freeze.graph import GraphTensor
from tfnative_aot.load.load_model import load_model
from tfnative_aot.progress import Silent
from tfnative_aot.quantize.auto.choose import with_chosen_layers
from tfnative_aot.quantize.auto.held_out import PLAIN, part
from tfnative_aot.quantize.auto.judge import decibels, noise_share
from tfnative_aot.quantize.calibrate.data import read_calibration
from tfnative_aot.quantize.run_time_ranges import with_run_time_ranges
from tfnative_aot.quantize.static import least_error
from tfnative_aot.split.divide import Prepared, prepare

X = samples(120)
BY_SAMPLES = ("dense", "last")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("sequences") / "model")


@pytest.fixture(scope="module")
def model(saved: Path) -> Any:
    loaded = load_model(saved, tags=("serve",))
    return loaded, prepare(loaded, "serving_default", None)


def chosen(model: Any, folder: Path, least: float) -> Prepared:
    loaded, each = model
    options = {"calibration": {"x": X}, "min_signal_to_noise": least}
    shop = workshop(loaded, folder, **options)
    return with_chosen_layers(shop.entry(each), shop, (), Silent())


@pytest.fixture(scope="module")
def all_in_8_bits(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return chosen(model, tmp_path_factory.mktemp("all"), 0.0)


def by_layer(layers: Any, field: str) -> dict[str, set[Any]]:
    """What is said of the products of each layer; shapes of weights tell them apart."""
    found: dict[str, set[Any]] = {}
    for layer in layers:
        (name,) = [n for n, of in LAYERS.items() if set(of) == {*layer.shape} - {1}]
        found.setdefault(name, set()).add(getattr(layer, field))
    return found


def held_out() -> Any:
    """The samples that are judged by, and their answers."""
    tensors = [GraphTensor("x", "x:0", "float32", (-1, STEPS, INPUTS))]
    data = read_calibration({"x": X}, tensors, samples=300 + PLAIN)
    return X[list(part(data, 300, PLAIN).judged.places)]


def lost(model: Any, found: Any) -> float | None:
    """Signal to noise of answers to ``held_out``."""
    loaded, _ = model
    expected = loaded.run("serving_default", {"x": held_out()})["y"]
    return decibels(noise_share([expected], [found]))


@pytest.mark.parametrize("least", [0.0, 50.0, 200.0])
def test_what_is_said_to_be_lost_is_what_the_reference_loses(
    model, all_in_8_bits, tmp_path, least
):
    made = chosen(model, tmp_path, least) if least else all_in_8_bits
    assert made.choice is not None
    last = made.choice.points[-1]
    reference = with_run_time_ranges(made).model
    found = reference.run("serving_default", {"x": held_out()})["y"]
    if least == 200:
        assert last.signal_to_noise is None
        assert lost(model, found) is None
    else:
        assert last.signal_to_noise == pytest.approx(lost(model, found), abs=0.05)
        assert last.signal_to_noise >= least

    stored = by_layer(made.layers, "stored")
    assert set(stored) == set(LAYERS)
    assert len(made.choice.layers) == len(LAYERS)
    returned = {point.returned: point.to for point in made.choice.points}
    for trial in made.choice.layers:
        (layer,) = [each for each in made.layers if each.node == trial.node]
        assert layer.stored == returned.get(trial.node, "int8")
        assert bool(layer.reason) == (trial.node in returned)
    # All products of a layer, unrolled or not, have the same.
    assert all(len(types) == 1 for types in stored.values())
    in_8_bits = sum(types == {"int8"} for types in stored.values())
    assert in_8_bits == last.layers
    if least == 0:
        assert in_8_bits == len(LAYERS)


def test_what_plain_int8_mends_is_mended(model, all_in_8_bits, tmp_path, monkeypatch):
    """Large channels are divided, and biases corrected, for every choice."""
    mended = all_in_8_bits
    monkeypatch.setattr(least_error._Trials, "correct", lambda *_: False)
    plain = chosen(model, tmp_path, 0.0)
    assert mended.choice is not None
    assert plain.choice is not None
    for name in ("layers", "points"):
        better = getattr(mended.choice, name)
        worse = getattr(plain.choice, name)
        gains = [
            a.signal_to_noise - b.signal_to_noise
            for a, b in zip(better, worse, strict=True)
        ]
        assert max(gains) > 3, name
        assert min(gains) > -0.5, name


@pytest.mark.slow
def test_errors_in_the_report_are_those_of_the_artifact(
    model, saved, tmp_path, capsys, monkeypatch
):
    """And "left", that XLA has no product of for several rows, is not in 8 bits."""
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "x.npz", x=X)
    command = (
        f"compile {saved} -o net --precision auto --calibration x.npz --cpu native "
        "--batch-sizes 1,4 --min-signal-to-noise 38"
    )
    assert cli.main(command.split()) == 0
    precision = _precision(tmp_path / "net")
    assert precision.choice is not None
    with tfnative.load(tmp_path / "net") as compiled:
        found = compiled.predict({"x": held_out()})["y"]
    ratio = lost(model, found)
    last = precision.choice.points[-1]
    assert last.holds
    assert last.signal_to_noise == pytest.approx(ratio, abs=0.2)
    (said,) = [each for each in precision.outputs if each.samples == "held out"]
    assert said.signal_to_noise == pytest.approx(ratio, abs=0.2)

    computed = by_layer(precision.layers, "computed")
    kept = {point.returned for point in precision.choice.points}
    assert computed["left"] == {"float32"}
    for layer in precision.layers:
        if len(layer.shape) == 2:
            assert (layer.computed == "int8") == (not layer.reason), layer
            assert layer.node not in kept or layer.stored != "int8"
    assert tfnative.selftest(tmp_path / "net").passed
    capsys.readouterr()
    assert cli.main(["inspect", "net", "--precision"]) == 0
    printed = capsys.readouterr().out
    assert "each row, at run time" in printed


def _precision(artifact: Path) -> Precision:
    manifest = Manifest.from_json((artifact / "manifest.json").read_text())
    (signature,) = manifest.signatures.values()
    assert signature.precision is not None
    return signature.precision
