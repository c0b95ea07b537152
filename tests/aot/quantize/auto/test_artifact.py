# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is compiled with chosen layers keeps the budget, and says what was tried."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import tfnative
from tests.aot.quantize.auto.blobs import (
    INPUTS,
    LAYERS,
    SENSITIVE,
    samples,
    write_model,
)
from tfnative import cli
from tfnative.errors import InvalidArgumentError
from tfnative.manifest import Manifest
from tfnative_aot.freeze.graph import GraphTensor
from tfnative_aot.quantize.auto.held_out import LABELLED, part
from tfnative_aot.quantize.calibrate.data import read_calibration

pytestmark = pytest.mark.slow
DROP = 1.0


def compiled(folder: Path) -> Path:
    """By the command line, of files."""
    model = write_model(folder)
    x, labels = samples(400)
    np.savez(folder / "x.npz", x=x)
    np.save(folder / "labels.npy", labels)
    artifact = folder / "net"
    command = (
        f"compile {model} -o {artifact} --inputs x=x:0 --outputs scores=scores:0 "
        f"--precision auto --calibration {folder / 'x.npz'} --cpu native "
        f"--labels {folder / 'labels.npy'} --max-accuracy-drop {DROP}% "
        f"--precision-report {folder / 'curve.svg'}"
    )
    assert cli.main(command.split()) == 0
    return artifact


def test_the_budget_holds_for_what_was_compiled(tmp_path, capsys):
    artifact = compiled(tmp_path)
    printed = capsys.readouterr().out
    assert "up to 1 points less accurate than float32" in printed
    # So small a layer may be measured to be faster with weights in either.
    stays = rf"{SENSITIVE} (is float16|stays float32): in 8 bits, it leaves"
    assert re.search(stays, printed)
    assert "200 samples for ranges, 200 others to judge by" in printed

    manifest = Manifest.from_json((artifact / "manifest.json").read_text())
    (signature,) = manifest.signatures.values()
    precision = signature.precision
    assert precision is not None
    choice = precision.choice
    assert choice is not None
    assert [layer.node for layer in choice.layers] == list(LAYERS)
    assert choice.time_unit == "us"
    assert choice.cpu_level == manifest.cpu_levels[-1]
    assert choice.float32_time > 0
    assert choice.points[-1].holds
    # Times of layers this small may say anything, but not that this one bears 8 bits.
    returned = {point.returned: point.to for point in choice.points}
    assert SENSITIVE in returned
    for layer in precision.layers:
        is_kept = layer.node in returned
        assert layer.computed == ("float32" if is_kept else "int8")
        assert layer.stored == returned.get(layer.node, "int8")
        assert bool(layer.reason) == is_kept

    x, labels = samples(400)
    tensors = [GraphTensor("x", "x:0", "float32", (-1, INPUTS))]
    data = read_calibration({"x": x}, tensors, samples=300 + LABELLED)
    held = list(part(data, 300, LABELLED).judged.places)
    with tfnative.load(artifact) as model:
        scores = model.predict({"x": x[held]})["scores"]
    accuracy = np.mean(scores.argmax(axis=1) == labels[held])
    assert choice.float32_accuracy is not None
    assert choice.float32_accuracy - accuracy <= DROP / 100
    assert accuracy == choice.points[-1].accuracy

    drawing = ElementTree.parse(tmp_path / "curve.svg").getroot()
    circles = drawing.findall(".//{http://www.w3.org/2000/svg}circle")
    assert len(circles) == len(choice.points) + 1

    assert cli.main(["inspect", str(artifact), "--precision", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    (content,) = said.values()
    assert len(content["choice"]["points"]) == len(choice.points)
    assert tfnative.selftest(artifact).passed


def test_signatures_share_samples_that_can_be_read_once(tmp_path):
    import tensorflow as tf

    weights = np.random.default_rng(0).standard_normal((8, 16)).astype(np.float32)
    module = tf.Module()

    def signature(name: str, outputs: int):
        spec = tf.TensorSpec((None, 8), tf.float32, name)
        return tf.function(
            lambda value: {"y": value @ weights[:, :outputs]}, input_signature=[spec]
        )

    module.a, module.b = signature("x", 4), signature("u", 8)
    model = str(tmp_path / "saved")
    tf.saved_model.save(module, model, signatures={"a": module.a, "b": module.b})
    arrays = np.random.default_rng(1).standard_normal((2, 40, 8)).astype(np.float32)
    names = ("x", "u")
    artifact = tfnative.compile(
        model,
        tmp_path / "net",
        precision="auto",
        calibration=iter([dict(zip(names, arrays, strict=True))]),
        signatures=["a", "b"],
        batch_sizes=[1],
        cpus=["native"],
    )
    with tfnative.load(artifact) as loaded:
        found = loaded.manifest.signatures
    for name in "ab":
        precision = found[name].precision
        assert precision is not None
        assert precision.choice is not None
        assert precision.choice.judged_samples == 20


def test_without_room_for_the_report_there_is_no_artifact(tmp_path, monkeypatch):
    from tfnative_aot import pipeline
    from tfnative_aot.quantize.auto import report

    def full(*arguments: object) -> None:
        raise InvalidArgumentError("no space left on device")

    monkeypatch.setattr(report, "write_file", full)
    given, _ = samples(40)
    options = tfnative.CompileOptions(
        precision="auto",
        calibration={"x": given},
        cpus=["native"],
        precision_report=tmp_path / "curve.svg",
        inputs={"x": "x:0"},
        outputs={"scores": "scores:0"},
    )
    with pytest.raises(InvalidArgumentError, match="no space left"):
        pipeline.compile(write_model(tmp_path), tmp_path / "net", options)
    assert [path.name for path in tmp_path.iterdir()] == ["blobs.pb"]
