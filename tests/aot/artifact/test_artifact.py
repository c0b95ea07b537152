# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is in an artifact: closed, small, reproducible."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.models import ZOO, ModelCase
from tests.models.saving import keras3_export

Export = Callable[[ModelCase], Path]
Compile = Callable[..., Path]

needs_readelf = pytest.mark.skipif(
    shutil.which("readelf") is None or shutil.which("nm") is None,
    reason="needs binutils (readelf, nm)",
)


@pytest.fixture(scope="module")
def digits(compiled: Compile) -> Path:
    """The digits model with all that an artifact can have."""
    case = ZOO["digits_cnn"]
    return compiled(case, "digits", batch_sizes=(1, 8, 32), static=True)


def run(*command: str | Path) -> str:
    return subprocess.run(
        [str(word) for word in command], check=True, capture_output=True, text=True
    ).stdout


@needs_readelf
def test_the_library_needs_libc_and_libm_only(digits: Path) -> None:
    needed = re.findall(
        r"NEEDED.*\[(.*)\]", run("readelf", "-d", digits / "libdigits.so")
    )
    assert set(needed) <= {"libc.so.6", "libm.so.6"}


@needs_readelf
def test_opening_the_library_runs_nothing_of_it(digits: Path) -> None:
    tags = set(
        re.findall(
            r"0x[0-9a-f]+ \((\w+)\)", run("readelf", "-dW", digits / "libdigits.so")
        )
    )
    assert "SYMTAB" in tags
    assert not {tag for tag in tags if "INIT" in tag or "FINI" in tag}
    assert "IRELATIV" not in run("readelf", "-rW", digits / "libdigits.so")


@needs_readelf
def test_the_library_exports_its_entry_points_only(digits: Path) -> None:
    lines = run("nm", "-D", "--defined-only", digits / "libdigits.so").splitlines()
    assert {line.split()[-1] for line in lines} == {
        "digits_artifact",
        "digits_serving_default",
        "digits_serving_default_workspace_bytes",
    }


@needs_readelf
def test_the_archive_shows_its_entry_points_only(digits: Path) -> None:
    rows = [
        line.split()
        for line in run("readelf", "-sW", digits / "libdigits.a").splitlines()
    ]
    shown = {
        row[7]
        for row in rows
        if len(row) == 8 and row[4:6] == ["GLOBAL", "DEFAULT"] and row[6] != "UND"
    }
    assert shown == {
        "digits_artifact",
        "digits_serving_default",
        "digits_serving_default_workspace_bytes",
    }


@needs_readelf
def test_nothing_of_tensorflow_is_inside(digits: Path) -> None:
    symbols = run("nm", digits / "libdigits.a").lower()
    for word in ("tensorflow", "absl", "eigen"):
        assert word not in symbols


def _bottleneck() -> Any:
    """Each kind of layer of a MobileNetV2 once, with a third of its weights."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((8, 8, 256), name="x"),
            layers.Conv2D(1024, 1, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(6.0),
            layers.DepthwiseConv2D(3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(6.0),
            layers.Conv2D(256, 1, use_bias=False),
            layers.BatchNormalization(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1000, name="y"),
        ]
    )


@pytest.mark.slow
def test_one_copy_of_the_weights_serves_all_variants(tmp_path: Path) -> None:
    source = keras3_export(_bottleneck)(tmp_path / "saved")
    artifact = tfnative.compile(source, tmp_path / "m", batch_sizes=(1, 8, 32))
    variables = sum(f.stat().st_size for f in (source / "variables").iterdir())
    size = sum(f.stat().st_size for f in artifact.rglob("*") if f.is_file())
    allowed = 1.15 * variables + 600_000
    assert size <= allowed < 2 * variables


@pytest.mark.slow
def test_the_same_input_gives_the_same_bytes(export: Export, tmp_path: Path) -> None:
    source = export(ZOO["mlp"])
    folders = [
        tfnative.compile(source, tmp_path / str(n) / "mlp", batch_sizes=(1, 4))
        for n in range(2)
    ]
    first, second = (
        {f.relative_to(root): f.read_bytes() for f in root.rglob("*") if f.is_file()}
        for root in folders
    )
    assert first == second


def test_two_builds_of_one_name_work_in_one_process(
    digits: Path, export: Export, tmp_path: Path
) -> None:
    other = tfnative.compile(
        export(ZOO["mlp"]), tmp_path / "other", name="digits", cpus=["native"]
    )
    x = np.ones((2, 8, 8, 1), np.float32)
    first, again, second = (tfnative.load(p) for p in (digits, digits, other))
    before = first.predict(x)
    second.predict(np.ones((5, *second_shape(second)), np.float32))
    np.testing.assert_array_equal(again.predict(x), before)


def second_shape(model: tfnative.Model) -> tuple[int, ...]:
    (spec,) = model.signatures["serving_default"].inputs.values()
    return tuple(spec.shape[1:])


def test_all_levels_that_this_machine_runs_agree(digits: Path) -> None:
    x = np.random.default_rng(0).random((5, 8, 8, 1), np.float32)
    results = []
    for level in tfnative.load(digits).manifest.cpu_levels:
        try:
            model = tfnative.load(digits, cpu_level=level)
        except tfnative.LoadError:
            continue
        results.append(model.predict(x))
    assert results
    for result in results:
        np.testing.assert_allclose(result, results[0], atol=1e-6)


def test_the_manifest_says_what_was_measured(digits: Path) -> None:
    manifest = json.loads((digits / "manifest.json").read_text())
    signature = manifest["signatures"]["serving_default"]
    measured = {(f["batch_size"], f["cpu_level"]) for f in signature["fidelity"]}
    verified = set(manifest["cpu_levels"]) - set(signature["unverified_cpu_levels"])
    assert measured == {(b, level) for b in (1, 8, 32) for level in verified}
    assert all(f["max_rel_error"] <= f["tolerance"] for f in signature["fidelity"])


def test_the_manifest_says_what_was_asked_for(digits: Path) -> None:
    asked = {"name": "digits", "batch_sizes": [1, 8, 32], "static": True}
    assert json.loads((digits / "manifest.json").read_text())["options"] == asked
    with tfnative.load(digits) as model:
        assert model.manifest.options == asked


def test_a_failed_compilation_leaves_the_old_artifact(
    export: Export, tmp_path: Path
) -> None:
    # Winograd's algorithm rounds otherwise than TensorFlow does, on any machine.
    source, output = export(ZOO["digits_cnn"]), tmp_path / "digits"
    tfnative.compile(source, output, cpus=["native"])
    before = (output / "manifest.json").read_bytes()
    with pytest.raises(tfnative.CompileError, match="tolerance"):
        tfnative.compile(source, output, cpus=["native"], rtol=1e-12)
    assert (output / "manifest.json").read_bytes() == before
    assert os.listdir(tmp_path) == ["digits"]


def test_what_is_not_an_artifact_is_not_replaced(
    export: Export, tmp_path: Path
) -> None:
    (tmp_path / "precious.txt").write_text("x")
    with pytest.raises(tfnative.InvalidArgumentError, match="not an artifact"):
        tfnative.compile(export(ZOO["mlp"]), tmp_path)
    assert (tmp_path / "precious.txt").exists()


@pytest.mark.skipif(platform.system() != "Linux", reason="needs /proc")
def test_predicting_never_imports_tensorflow(digits: Path) -> None:
    code = (
        "import sys, numpy, tfnative\n"
        f"tfnative.load({str(digits)!r}).predict("
        "numpy.zeros((2, 8, 8, 1), numpy.float32))\n"
        "assert not [m for m in sys.modules if m.startswith(('tensorflow', 'keras'))]\n"
        "assert 'libtensorflow' not in open('/proc/self/maps').read()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_user_inputs_are_compared_and_travel(export: Export, tmp_path: Path) -> None:
    case = ZOO["digits_cnn"]
    inputs = case.inputs(5, np.random.default_rng(3))
    np.savez(tmp_path / "inputs.npz", **inputs)
    artifact = tfnative.compile(
        export(case),
        tmp_path / "digits",
        cpus=["native"],
        golden=tmp_path / "inputs.npz",
    )
    with np.load(artifact / "golden" / "serving_default.npz") as golden:
        for name, array in inputs.items():
            np.testing.assert_array_equal(golden[f"input:{name}"], array)


def test_user_inputs_of_another_shape_are_refused(
    export: Export, tmp_path: Path
) -> None:
    case = ZOO["digits_cnn"]
    wrong = {
        name: array[..., 0]
        for name, array in case.inputs(2, np.random.default_rng(0)).items()
    }
    with pytest.raises(tfnative.InvalidArgumentError, match="expected float32"):
        tfnative.compile(export(case), tmp_path / "digits", golden=wrong)
