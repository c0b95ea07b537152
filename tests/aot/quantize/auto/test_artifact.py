# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is compiled with chosen layers keeps the budget, and says what was tried."""

from __future__ import annotations

import json
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
    assert f"{SENSITIVE} is float16: in 8 bits, it leaves" in printed
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
