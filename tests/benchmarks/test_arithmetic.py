# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""python -m benchmarks --precision: who takes part, and how far answers may be.

Peers are stood in for, but in the last test, which asks those that are installed.
"""

from __future__ import annotations

import importlib.util
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmarks import __main__ as command, arithmetic, contestants, models, worker
from benchmarks.arithmetic import ARITHMETICS, FLOAT32, INT8, INT8_DYNAMIC, SAMPLES
from benchmarks.compare import Plan
from benchmarks.limits import Limits, Reading
from benchmarks.prepare import prepare, reference
from benchmarks.process import ContestantProcess
from benchmarks.results import Latency, Result
from benchmarks.work import Work

LIMITS = Limits(gflops=100.0, readings=(Reading("memory", None, 10.0),))
NEEDS = {
    "ort": ("onnxruntime", "tf2onnx"),
    "litert": ("ai_edge_litert",),
    "openvino": ("openvino", "nncf"),
}


def test_what_takes_part_follows_from_the_precision(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    plans = []

    def compare(plan: Plan, *_: Any) -> Iterator[Result]:
        plans.append(plan)
        ours = Latency("tfnative", 10.0, 12.0, signal_to_noise=38.4)
        peers = [Latency(name, 20.0, 22.0) for name in plan.peers]
        work = Work(flops=100, bytes=200)
        yield Result("lstm", 1, ours, tuple(peers), work, 2.5, plan.precision, "v4")

    monkeypatch.setattr(command, "compare", compare)
    monkeypatch.setattr(command.machine_limits, "measure", lambda: LIMITS)
    options = ["--folder", str(tmp_path), "--json", str(tmp_path / "a.json")]
    options += ["--chart", str(tmp_path / "a.png"), "--precision", INT8_DYNAMIC]
    assert command.main(options) == 0
    (plan,) = plans
    assert plan.peers == ("ort", "litert", "openvino")
    assert plan.models == ("mlp_large", "mlp_wide", "lstm", "transformer")
    (result,) = json.loads((tmp_path / "a.json").read_text())["results"]
    assert result["precision"] == INT8_DYNAMIC
    assert result["ours"]["signal_to_noise"] == 38.4
    # Both were set for, and are measured in, float32.
    assert (result["target"], result["fraction_of_limit"]) == (None, None)
    printed = " ".join(capsys.readouterr().out.split())  # Windows break lines.
    assert "10.0 (38)" in printed
    assert "tfnative: code for v4." in printed
    assert "20.0 (exact)" in printed
    for peer, asked in ARITHMETICS[INT8_DYNAMIC].peers.items():
        assert f"{peer}: {asked}." in printed


@pytest.mark.parametrize(
    "options", [["--precision=int4"], ["--precision=int8-dynamic", "--peers=xla"]]
)
def test_what_nobody_computes_in_is_refused(options: list[str]):
    with pytest.raises(SystemExit) as error_info:
        command.main(options)
    assert error_info.value.code == 2


@pytest.mark.parametrize("name", ["tensorflow", "xla"])
def test_who_has_float32_only_says_so(name: str, tmp_path: Path):
    with pytest.raises(ValueError, match=INT8_DYNAMIC):
        contestants.find(name).prepare(tmp_path, tmp_path, [1], INT8_DYNAMIC)


def test_tfnative_is_compiled_in_the_precision_and_kept_apart(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    asked = []
    monkeypatch.setattr("tfnative.compile", lambda *_, **kw: asked.append(kw))
    np.savez(tmp_path / "mlp_calibration.npz", x=np.ones((SAMPLES, 32)))
    prepare_ours = contestants.find("tfnative").prepare
    outputs = {
        prepare_ours(tmp_path / "mlp", tmp_path, [1, 32], precision)
        for precision in ARITHMETICS
    }
    assert [each["precision"] for each in asked] == [FLOAT32, INT8_DYNAMIC, INT8]
    assert len(outputs) == 3
    given = [each["calibration"] for each in asked]
    assert given == [None, None, tmp_path / "mlp_calibration.npz"]


def test_all_peers_get_the_same_samples(tmp_path: Path):
    x = np.random.default_rng(1).standard_normal((SAMPLES, 3))
    np.savez(tmp_path / "mlp_calibration.npz", x=x)
    for rows in (1, 32):
        found = [each["x"] for each in contestants.batches(tmp_path / "mlp", rows)]
        assert {len(each) for each in found} == {rows}
        np.testing.assert_array_equal(np.concatenate(found), x[: len(found) * rows])


def test_networks_have_fewer_rows_than_others_in_8_bits():
    rows = {name: ARITHMETICS[INT8].batch_sizes_of(name) for name in models.EXPORTED}
    assert (rows["resnet50"], rows["cnn"]) == ((1, 8), (1, 32))
    assert ARITHMETICS[FLOAT32].batch_sizes_of("resnet50") == (1, 32)


def ready(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: float, precision: str
) -> str:
    """What a worker prints whose contestant is wrong by that part of all values."""
    x = np.float32([[1, -2], [4, 8]])
    np.savez(tmp_path / "answer.npz", output=x, **{"input:x": x})
    stand_in = SimpleNamespace(
        load=lambda model, threads: (
            lambda inputs: {"y": inputs["x"] * np.float32(1 + error)}
        )
    )
    monkeypatch.setattr(contestants, "find", lambda name: stand_in)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    printed = io.StringIO()
    monkeypatch.setattr(sys, "stdout", printed)
    worker.main("any", "any", str(tmp_path / "answer.npz"), "1", precision)
    return printed.getvalue().removeprefix(worker.RESULT)


def test_the_answers_signal_to_noise_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    told = json.loads(ready(monkeypatch, tmp_path, 0.01, INT8_DYNAMIC))
    assert told == pytest.approx(40, abs=0.01)
    assert json.loads(ready(monkeypatch, tmp_path, 0, INT8_DYNAMIC)) is None


@pytest.mark.parametrize(
    ("error", "precision"),
    [(0.01, FLOAT32), (0.2, INT8_DYNAMIC), (float("nan"), INT8_DYNAMIC)],
)
def test_wrong_answers_are_not_timed(
    error: float, precision: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    with pytest.raises(SystemExit, match="wrong by"):
        ready(monkeypatch, tmp_path, error, precision)


@pytest.mark.parametrize(
    ("flags", "has"),
    [("avx2 avx512f", False), ("avx2 avx_vnni", True), ("avx512_vnni", True)],
)
def test_onnx_runtimes_weights_have_a_bit_less_without_vnni(
    flags: str, has: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    asked: dict[str, Any] = {}
    stand_in = SimpleNamespace(quantize_dynamic=lambda *_, **kw: asked.update(kw))
    monkeypatch.setitem(sys.modules, "onnxruntime", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "onnxruntime.quantization", stand_in)
    done = SimpleNamespace(returncode=0)
    monkeypatch.setattr("subprocess.run", lambda *_, **__: done)
    monkeypatch.setattr(Path, "read_text", lambda _: f"flags : fpu {flags} sse\n")
    assert arithmetic.has_vnni() is has
    contestants.find("ort").prepare(tmp_path, tmp_path, [1], INT8_DYNAMIC)
    assert asked["reduce_range"] is not has
    assert asked["per_channel"] is True


@pytest.mark.slow
@pytest.mark.parametrize("precision", [INT8_DYNAMIC, INT8])
@pytest.mark.parametrize("name", NEEDS)
def test_each_peer_is_near_float32_and_computes_in_8_bits(
    name: str, precision: str, tmp_path_factory: pytest.TempPathFactory
):
    for package in NEEDS[name]:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs {package}")
    folder = tmp_path_factory.getbasetemp() / "arithmetic"
    # Calibrated, OpenVINO 2026.4 gives zeros for a layer of one unit, as "mlp" has.
    saved_model = folder / ("mlp_images" if precision == INT8 else "mlp")
    if not saved_model.is_dir():
        models.export(saved_model.name, folder)
    entry = prepare(name, saved_model, [4], lambda _: None, precision)
    assert entry.model is not None, entry.problem
    answer, _ = reference(saved_model, 4)
    process = ContestantProcess(name, entry.model, answer, 1, precision)
    calls = process.round(0.0)
    process.close()
    assert process.problem == ""
    assert len(calls) >= 2
    # Rounding to 8 bits costs this much; float32 would have over 100.
    assert 20 < process.ready < 60
