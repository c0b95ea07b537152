# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models compiled for other machines: run in an emulator, or at least looked at."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.models import ZOO, ModelCase
from tests.models.saving import function_save
from tfnative.cli import main
from tfnative.manifest import Manifest
from tfnative_aot.link.find_toolchain import find_toolchain
from tfnative_aot.link.toolchain import run
from tfnative_aot.machines.emulator import emulator
from tfnative_aot.machines.object_file import parse
from tfnative_aot.machines.targets import find_target

Export = Callable[[ModelCase], Path]

needs_zig = pytest.mark.skipif(
    importlib.util.find_spec("ziglang") is None,
    reason='needs the compiler of "tfnative[cross]"',
)
MODELS = ("digits_cnn", "mlp", "lstm", "transformer")
# Debian's cross compilers and zig, for each processor.
TARGETS = (
    "linux-aarch64",
    "linux-armv7",
    "linux-aarch64-musl",
    "linux-armv7-musl",
    "linux-x86_64-musl",
)
EMULATED = {"linux-aarch64": ("digits_cnn",)}
# Kernels of each take a minute to compile.
LOOKED_AT = ["macos-arm64"]
if os.environ.get("TFNATIVE_ALL_MACHINES", "") == "1":
    EMULATED = dict.fromkeys(TARGETS, (*MODELS, "mobilenet_v2"))
    LOOKED_AT += ["android-arm64", "ios-arm64", "windows-x86_64"]
# What compiled code may ask of the system that it is linked into.
FROM_LIBC = {"memcpy", "memmove", "memset", "memcmp", "bzero", "__bzero"}
FROM_COMPILERS = {"__aeabi_unwind_cpp_pr0", "__aeabi_unwind_cpp_pr1", "___chkstk_ms"}
FROM_LINKERS = {"_GLOBAL_OFFSET_TABLE_", "_fltused"}


def require(target: str) -> None:
    machine = find_target(target)
    if emulator(machine) is None:
        pytest.skip(f"needs QEMU for {machine.arch} (qemu-user)")
    if machine.libc == "gnu":
        if shutil.which(f"{machine.gcc}g++") is None:
            pytest.skip(f"needs {machine.gcc}g++")
    elif importlib.util.find_spec("ziglang") is None:
        pytest.skip('needs the compiler of "tfnative[cross]"')


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "model"), [(t, m) for t, models in EMULATED.items() for m in models]
)
def test_models_for_other_machines_give_what_tensorflow_gives(
    export: Export, tmp_path: Path, target: str, model: str
) -> None:
    require(target)
    artifact = tfnative.compile(
        *(export(ZOO[model]), tmp_path / "model"),
        target=target,
        batch_sizes=(1, 4),
        cpus=["x86-64-v2"] if "x86" in target else None,
    )
    manifest = Manifest.from_json((artifact / "manifest.json").read_text())
    for signature in manifest.signatures.values():
        assert not signature.unverified_cpu_levels
        assert {f.batch_size for f in signature.fidelity} == {1, 4}
        assert all(f.max_rel_error <= f.tolerance for f in signature.fidelity)
    report = tfnative.selftest(artifact)
    assert report.passed
    assert report.checks


def _detect(boxes: Any, scores: Any, limits: Any) -> dict[str, Any]:
    import tensorflow as tf

    found = tf.image.combined_non_max_suppression(
        *(boxes[:, :, None], scores, 3, 5, limits[0], limits[1])
    )
    _, softened, _ = tf.raw_ops.NonMaxSuppressionV5(
        boxes=boxes[0],
        scores=scores[0, :, 0],
        max_output_size=4,
        iou_threshold=0.5,
        score_threshold=0.0,
        soft_nms_sigma=0.5,
        pad_to_max_output_size=True,
    )
    return {"boxes": found[0], "count": found[3], "softened": softened}


@pytest.mark.slow
@pytest.mark.parametrize("target", EMULATED)
def test_boxes_are_chosen_on_other_machines_as_tensorflow_does(
    tmp_path: Path, target: str
) -> None:
    require(target)
    shapes = {"boxes": (1, 9, 4), "scores": (1, 9, 3), "limits": (2,)}
    inputs = {name: (shape, "float32") for name, shape in shapes.items()}
    model = function_save(_detect, **inputs)(tmp_path / "saved")
    artifact = tfnative.compile(model, tmp_path / "model", target=target)
    report = tfnative.selftest(artifact)
    assert report.passed
    assert len(report.checks) == 3


@pytest.mark.slow
def test_inputs_without_rows_are_the_same_for_all_batches(tmp_path: Path) -> None:
    require("linux-aarch64")
    save = function_save(
        lambda x, scale: {"y": x * scale[1]},
        x=((None, 3), "float32"),
        scale=((2,), "float32"),
    )
    artifact = tfnative.compile(
        *(save(tmp_path / "saved"), tmp_path / "model"),
        target="linux-aarch64",
        batch_sizes=[1],
    )
    assert tfnative.selftest(artifact).passed


@needs_zig
@pytest.mark.slow
@pytest.mark.parametrize("target", LOOKED_AT)
def test_symbols_of_what_is_not_run_are_accounted_for(
    export: Export, tmp_path: Path, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = find_target(target)
    artifact = tfnative.compile(
        *(export(ZOO["mlp"]), tmp_path / "model"),
        target=target,
        cpus=["x86-64-v3"] if "x86" in target else None,
    )
    assert (artifact / machine.shared_library("model")).exists() == (
        machine.system != "ios"
    )
    assert main(["inspect", str(artifact)]) == 0
    assert f"not run here: it is for {machine.triple}" in capsys.readouterr().out
    picture = tmp_path / "net.dot"
    assert main(["inspect", str(artifact), "--graph", str(picture)]) == 0
    assert "matrix product" in picture.read_text()
    members = tmp_path / "members"
    members.mkdir()
    for each in unpack(artifact / "libmodel.a", target, members):
        assert (
            each.read_bytes()[:4]
            in {
                "elf": [b"\x7fELF"],
                "macho": [b"\xcf\xfa\xed\xfe"],
                "coff": [each.read_bytes()[:4]],  # It begins with the machine alone.
            }[machine.object_format]
        )
    symbols = [s for path in members.iterdir() for s in parse(path).symbols]
    defined = {s.name for s in symbols if s.section is not None}
    needed = {s.name for s in symbols if s.section is None} - defined
    rest = needed - FROM_LIBC - FROM_COMPILERS - FROM_LINKERS
    assert not rest, "the rest would have to come from libm"
    assert {"model_artifact", "model_serving_default"} <= defined


def unpack(archive: Path, target: str, folder: Path) -> list[Path]:
    """The members of an archive, each in a file."""
    ar = find_toolchain(find_target(target)).ar
    names = run([*ar, "t", archive]).split()
    for name in dict.fromkeys(names):
        content = subprocess.run(
            [*ar, "p", str(archive), name], check=True, capture_output=True
        ).stdout
        (folder / name).write_bytes(content)
    return sorted(folder.iterdir())


@pytest.mark.slow
def test_without_a_compiler_sources_are_written(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are built where there is one: here, for this machine."""
    target = find_target("linux-x86_64")
    artifact = tfnative.compile(
        *(export(ZOO["mlp"]), tmp_path / "mlp"), cpus=["x86-64-v2"], sources=True
    )
    sources, build = tmp_path / "elsewhere", tmp_path / "build"
    shutil.copytree(artifact / "sources", sources)
    subprocess.run(
        ["cmake", "-S", sources, "-B", build, "-DBUILD_SHARED_LIBS=ON"],
        check=True,
        capture_output=True,
    )
    subprocess.run(["cmake", "--build", build, "-j2"], check=True, capture_output=True)
    shown = run(["nm", "-D", "--defined-only", build / "libmlp.so"])
    assert "mlp_serving_default_workspace_bytes" in shown
    assert target.name == "linux-x86_64"


@needs_zig
def test_weights_may_be_apart(export: Export, tmp_path: Path) -> None:
    artifact = tfnative.compile(
        *(export(ZOO["mlp"]), tmp_path / "mlp"), cpus=["native"], weights="separate"
    )
    manifest = Manifest.from_json((artifact / "manifest.json").read_text())
    weights = artifact / "mlp.weights"
    assert weights.stat().st_size == manifest.weights_bytes
    assert tfnative.selftest(artifact).passed
    content = weights.read_bytes()
    first, second = tfnative.load(artifact), tfnative.load(artifact)
    first.close()
    assert second.predict_compiled is not None
    second.close()

    weights.write_bytes(content[:-64])
    with pytest.raises(tfnative.LoadError, match="bytes, and not the"):
        tfnative.load(artifact)
    weights.write_bytes(bytes(len(content)))
    with pytest.raises(tfnative.LoadError, match="weights of another model"):
        tfnative.load(artifact)
    weights.unlink()
    with pytest.raises(tfnative.LoadError, match=r"mlp\.weights"):
        tfnative.load(artifact)
    weights.write_bytes(content)
    assert tfnative.selftest(artifact).passed


def test_minimal_has_code_and_weights_only(export: Export, tmp_path: Path) -> None:
    source = export(ZOO["mlp"])
    small = tfnative.compile(
        *(source, tmp_path / "small"), cpus=["native"], minimal=True, static=True
    )
    assert not (small / "golden").exists()
    shown = run(["nm", "-D", "--defined-only", small / "libsmall.so"])
    assert "small_artifact" not in shown
    assert "small_serving_default" in shown
    content = (small / "libsmall.so").read_bytes()
    assert b"manifest" not in content
    called = run(["nm", "-u", small / "libsmall.a"])
    for name in ("malloc", "free", "fopen", "pthread_create", "abort"):
        assert f" {name}\n" not in called
    with pytest.raises(tfnative.LoadError):
        tfnative.load(small)


@pytest.mark.slow
def test_what_each_part_costs_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def product(x: Any) -> dict[str, Any]:
        import tensorflow as tf

        weights = np.random.default_rng(0).normal(size=(512, 1024))
        return {"y": tf.matmul(x, weights.astype(np.float32))}

    model = function_save(product, x=((None, 512), "float32"))(tmp_path / "saved")
    artifact = tfnative.compile(model, tmp_path / "net", cpus=["native"])
    assert main(["size", str(artifact), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    parts = found["library"]
    assert sum(parts.values()) == found["files"]["libnet.so"]
    assert all(size >= 0 for size in parts.values())
    assert parts["weights"] > parts["kernels"] > parts["programs"] > 0
    assert sum(parts.values()) - parts["weights"] < 250 << 10
    assert main(["size", str(artifact)]) == 0
    assert "weights" in capsys.readouterr().out
    assert main(["size", str(tmp_path)]) == 1


def test_targets_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    listed = {target.name: target for target in tfnative.targets()}
    here = find_target(None).name
    assert listed[here].runs == "here"
    assert "shared" in listed[here].makes
    assert all("sources" in target.makes for target in listed.values())
    assert main(["targets"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in listed)


def test_an_unknown_cpu_is_refused_by_the_compiler(
    export: Export, tmp_path: Path
) -> None:
    with pytest.raises(tfnative.InvalidArgumentError, match=r"nonsense.*x86-64-v2"):
        tfnative.compile(export(ZOO["mlp"]), tmp_path / "m", cpus=["nonsense"])
    assert not (tmp_path / "m").exists()
