# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What runs a SavedModel, and why. Stand-ins compile, and are TensorFlow.

The real compiler and the real TensorFlow are in tests/aot/test_auto.py.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.python.conftest import manifest
from tfnative import cache
from tfnative._backends.auto import choose
from tfnative._backends.auto.arguments import artifact_name
from tfnative._compile import door, process
from tfnative._compile.options import CompileOptions
from tfnative._compile.process import Outcome
from tfnative.errors import CompileError

VERSIONS = {"tfnative": "0", "tensorflow": "2.21.0", "toolchain": "cc 1"}
REFUSED = Outcome(
    error=CompileError("1 node: t (Table): is a table", ops=["Table", "Lookup"]),
    stage="freeze and check",
)


class Compiler:
    """Stands in for the compiler's process.

    Attributes:
        outcome: What comes of it.
        calls: The options of each call, as JSON has them.
    """

    def __init__(self, artifact: Path) -> None:
        self.artifact = artifact
        self.outcome = Outcome(signatures=("affine",))
        self.calls: list[dict[str, Any]] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def __call__(
        self,
        model: Path,
        output: Path,
        options: CompileOptions,
        line: object,
        *,
        temporary: Path,
    ) -> Outcome:
        self.calls.append(options.to_json())
        (temporary / "left").write_text("by the compiler")
        self.meanwhile()
        if self.outcome.error is None:
            shutil.copytree(self.artifact, output)
        return self.outcome


class FakeTensorflowModel(tfnative.Model):
    """Stands in for TensorFlow."""

    backend = "tensorflow"

    def __init__(self, path: Path, **options: Any) -> None:
        self.path, self.options = os.fspath(path), options


@pytest.fixture
def saved_model(tmp_path: Path) -> Path:
    folder = tmp_path / "digits"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"graph")
    return folder


@pytest.fixture
def compiler(tmp_path: Path, fake: Path, monkeypatch: pytest.MonkeyPatch) -> Compiler:
    compiler = Compiler(fake)
    monkeypatch.setenv("TFNATIVE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TFNATIVE_CPU_LEVEL", raising=False)
    monkeypatch.setattr(process, "compile_in_process", compiler)
    monkeypatch.setattr(door, "versions", lambda: VERSIONS)
    return compiler


@pytest.fixture
def tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("tfnative._backends.tensorflow.model")
    module.TensorflowModel = FakeTensorflowModel
    monkeypatch.setitem(sys.modules, module.__name__, module)


def load(path: Path, **options: Any) -> tfnative.Model:
    return tfnative.load(path, backend="auto", **options)


def test_it_is_compiled_once_and_then_taken_from_the_cache(saved_model, compiler):
    first = load(saved_model)
    assert first.backend == "native"
    assert first.backend_reason.startswith("compiled for ")
    assert first.path == str(saved_model)
    second = load(saved_model)
    assert second.backend_reason == "compiled code from the cache"
    assert second.predict(np.ones((2, 3), "f4"), signature="affine").tolist() == (
        [[3, 3, 3]] * 2
    )
    (options,) = compiler.calls
    assert options["name"] == "digits"
    assert options["batch_sizes"] == [1, 8, 32]
    assert options["signatures"] is None
    assert options["tags"] == ["serve"]
    (entry,) = cache.entries()
    assert entry.source == str(saved_model)
    assert Path(second.library_path).is_relative_to(entry.folder)
    assert not list(entry.folder.rglob("left"))


def change(saved_model: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    (saved_model / "saved_model.pb").write_bytes(b"another")
    return {}


def other_options(saved_model: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    return {"batch_sizes": [4]}


def other_level(saved_model: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("TFNATIVE_CPU_LEVEL", "generic")
    return {}


def other_compiler(
    saved_model: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    monkeypatch.setattr(door, "versions", lambda: {**VERSIONS, "toolchain": "cc 2"})
    return {}


def other_version(saved_model: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(choose, "__version__", "99")
    return {}


@pytest.mark.parametrize(
    "edit", [change, other_options, other_level, other_compiler, other_version]
)
def test_what_may_change_the_result_compiles_again(
    saved_model, compiler, edit, monkeypatch
):
    load(saved_model)
    options = edit(saved_model, monkeypatch)
    assert load(saved_model, **options).backend_reason.startswith("compiled for ")
    assert len(compiler.calls) == 2


def test_what_cannot_change_the_result_does_not(saved_model, compiler, tmp_path):
    load(saved_model, batch_sizes=(8, 1))
    load(saved_model, batch_sizes=np.array([1, 8, 8]), threads=2)
    copy = tmp_path / "copy" / "digits"
    shutil.copytree(saved_model, copy)
    load(copy, batch_sizes=[1, 8])
    assert len(compiler.calls) == 1


@pytest.mark.usefixtures("tensorflow")
def test_what_cannot_be_compiled_runs_with_tensorflow(saved_model, compiler):
    compiler.outcome = REFUSED
    for _ in range(2):
        model = load(saved_model, device="cpu", tags=["serve", "x"])
        assert model.backend == "tensorflow"
        assert model.backend_reason == (
            "it cannot be compiled because of Lookup, Table\n"
            "1 node: t (Table): is a table"
        )
        assert model.options == {"tags": ("serve", "x"), "device": "cpu"}
    assert len(compiler.calls) == 1, "the answer is in the cache"


@pytest.mark.usefixtures("tensorflow")
@pytest.mark.parametrize(
    ("error", "stage", "calls"),
    [
        (CompileError("bad", ops=["Table"]), "freeze and check", 1),
        (tfnative.InvalidArgumentError("open sizes"), "freeze and check", 1),
        (CompileError("XLA crashed"), "compile with XLA", 1),
        (CompileError("cc: No space left on device"), "compile and link", 2),
        (tfnative.ResourceExhaustedError("memory"), "compile with XLA", 2),
        (tfnative.InternalError("mistake"), "compare with TensorFlow", 2),
    ],
    ids=str,
)
def test_only_reasons_that_last_are_remembered(
    saved_model, compiler, error, stage, calls
):
    compiler.outcome = Outcome(error=error, stage=stage)
    for _ in range(2):
        assert str(error) in load(saved_model).backend_reason
    assert len(compiler.calls) == calls


@pytest.mark.usefixtures("tensorflow")
def test_a_failure_of_the_compiler_is_tried_again_the_next_day(
    saved_model, compiler, monkeypatch
):
    compiler.outcome = Outcome(error=CompileError("crash"), stage="compile with XLA")
    load(saved_model)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 25 * 3600)
    load(saved_model)
    assert len(compiler.calls) == 2
    compiler.outcome = REFUSED
    monkeypatch.setattr(time, "time", lambda: now + 50 * 3600)
    load(saved_model)
    monkeypatch.setattr(time, "time", lambda: now + 500 * 3600)
    load(saved_model)
    assert len(compiler.calls) == 3


@pytest.mark.parametrize(
    "options",
    [{"signatures": ["nope"]}, {"shapes": {"nope": (1,)}}, {"cpu_level": "z80"}],
    ids=str,
)
@pytest.mark.usefixtures("tensorflow")
def test_what_the_caller_asked_for_in_vain_is_an_error(saved_model, compiler, options):
    compiler.outcome = Outcome(error=tfnative.NotFoundError("no 'nope'"))
    with pytest.raises(tfnative.NotFoundError, match="no 'nope'"):
        load(saved_model, **options)
    assert cache.entries() == []


@pytest.mark.usefixtures("tensorflow")
def test_dependent_rows_are_left_to_tensorflow_unless_sizes_are_named(
    saved_model, compiler, tmp_path
):
    content = manifest()
    content["signatures"]["affine"]["rows_independent"] = False
    dependent = tmp_path / "dependent"
    shutil.copytree(compiler.artifact, dependent)
    (dependent / "manifest.json").write_text(json.dumps(content))
    compiler.artifact = dependent
    model = load(saved_model)
    assert model.backend == "tensorflow"
    assert "rows of signature 'affine' influence each other" in model.backend_reason
    assert load(saved_model, batch_sizes=[1, 4]).backend == "native"


@pytest.mark.usefixtures("tensorflow")
def test_a_gpu_is_what_tensorflow_is_for(saved_model, compiler):
    model = load(saved_model, device="gpu:0")
    assert model.backend == "tensorflow"
    assert "device='gpu:0' was asked for" in model.backend_reason
    assert compiler.calls == []


def test_without_tensorflow_the_error_has_both_reasons(
    saved_model, compiler, monkeypatch
):
    def missing(path: Path, **options: Any) -> None:
        raise tfnative.NotFoundError("there is no libtensorflow")

    module = types.ModuleType("tfnative._backends.tensorflow.model")
    module.TensorflowModel = missing
    monkeypatch.setitem(sys.modules, module.__name__, module)
    compiler.outcome = REFUSED
    with pytest.raises(tfnative.NotFoundError) as caught:
        load(saved_model)
    assert "there is no libtensorflow" in str(caught.value)
    assert "cannot be compiled because of Lookup, Table" in str(caught.value)


@pytest.mark.usefixtures("tensorflow")
def test_without_a_compiler_what_others_compiled_is_taken(
    saved_model, compiler, monkeypatch
):
    def missing() -> dict[str, str]:
        raise tfnative.NotFoundError("no C compiler was found")

    monkeypatch.setattr(door, "versions", missing)
    model = load(saved_model)
    assert model.backend == "tensorflow"
    assert model.backend_reason == "it is not compiled: no C compiler was found"
    monkeypatch.setattr(door, "versions", lambda: VERSIONS)
    load(saved_model)
    monkeypatch.setattr(door, "versions", missing)
    assert load(saved_model).backend_reason == "compiled code from the cache"
    assert load(saved_model, batch_sizes=[7]).backend == "tensorflow"


@pytest.mark.usefixtures("tensorflow")
def test_a_cache_that_cannot_be_written_to_falls_back_with_the_reason(
    saved_model, compiler, monkeypatch
):
    monkeypatch.setenv("TFNATIVE_CACHE", "/proc/tfnative")
    model = load(saved_model)
    assert model.backend == "tensorflow"
    assert "cache /proc/tfnative cannot be written to" in model.backend_reason
    assert compiler.calls == []


def test_a_damaged_library_is_compiled_again(saved_model, compiler):
    load(saved_model)
    (entry,) = cache.entries()
    library = entry.folder / entry.library.name
    content = bytearray(library.read_bytes())
    content[len(content) // 2] ^= 1
    library.unlink()
    library.write_bytes(content)
    assert load(saved_model).backend_reason.startswith("compiled for ")
    assert load(saved_model).backend_reason == "compiled code from the cache"


def test_damage_that_the_recorded_time_hides_is_found_by_the_librarys_checksum(
    saved_model, compiler
):
    load(saved_model)
    (entry,) = cache.entries()
    library = entry.folder / entry.library.name
    status = library.stat()
    content = bytearray(library.read_bytes())
    content[-200] ^= 1  # Before the trailer.
    library.unlink()
    library.write_bytes(content)
    os.utime(library, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert load(saved_model).backend_reason.startswith("compiled for ")


@pytest.mark.usefixtures("tensorflow")
def test_a_model_that_changes_while_it_is_compiled_is_not_kept(saved_model, compiler):
    compiler.meanwhile = lambda: (saved_model / "assets.txt").write_text("new")
    model = load(saved_model)
    assert model.backend == "tensorflow"
    assert "was changed while it was compiled" in model.backend_reason
    assert cache.entries() == []


def test_signatures_that_are_left_out_are_named(saved_model, compiler):
    compiler.outcome = Outcome(signatures=("affine", "train", "classify"))
    # The fake library has more signatures than its manifest.
    reason = load(saved_model).backend_reason
    assert "; not compiled: classify, train (signatures=... names them)" in reason


def test_clearing_the_cache_leaves_loaded_models_alone(saved_model, compiler):
    model = load(saved_model)
    assert cache.clear().entries == 1
    assert (model.predict(np.ones((40, 3), "f4"), signature="affine") == 3).all()
    assert load(saved_model).backend_reason.startswith("compiled for ")


def test_pickled_models_are_loaded_again_from_the_saved_model(
    saved_model, compiler, monkeypatch
):
    monkeypatch.chdir(saved_model.parent)
    model = load(Path(saved_model.name), threads=2)
    cache.clear()
    monkeypatch.chdir("/")
    again = pickle.loads(pickle.dumps(model))
    assert again.backend_reason.startswith("compiled for ")
    assert again.threads == 2
    assert again.path == str(saved_model)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("models/digits", "digits"),
        ("models/digits/7", "digits_7"),
        ("models/7x", "model_7x"),
        ("models/my-model.v2", "my_model_v2"),
        ("models/" + "x" * 200, "x" * 60),
        ("/7", "model__7"),
    ],
)
def test_models_have_the_names_of_their_folders(path, name):
    assert artifact_name(Path(path)) == name


def test_artifacts_are_native_whatever_was_asked_for(fake):
    model = tfnative.load(fake, backend="auto")
    assert (model.backend, model.backend_reason) == ("native", "")
    assert tfnative.load(fake, backend="native").backend == "native"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backend": "fast"}, "backend must be 'native'"),
        ({"backend": "tensorflow", "threads": 2}, "threads: not for backend="),
        ({"backend": "tensorflow", "rtol": 1}, "rtol: not for backend="),
        ({"xla": True}, "xla: for SavedModels"),
        ({"batch_sizes": [1]}, "batch_sizes: for SavedModels, and .* is none"),
        ({"backend": "auto", "tags": ["serve"], "rtol": 1}, "rtol, tags: for"),
        ({"device": "cpu"}, "device: for"),
    ],
    ids=str,
)
def test_options_that_do_not_fit_an_artifact_are_refused(fake, options, message):
    with pytest.raises(tfnative.InvalidArgumentError, match=message):
        tfnative.load(fake, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"signatures": "affine"},
        {"tags": "serve"},
        {"batch_sizes": []},
        {"batch_sizes": [0]},
        {"batch_sizes": [1.5]},
        {"batch_sizes": 8},
        {"shapes": {"x": 3}},
        {"shapes": [3]},
        {"rtol": "small"},
    ],
    ids=str,
)
def test_options_of_the_wrong_type_are_refused(saved_model, compiler, options):
    with pytest.raises(tfnative.InvalidArgumentError):
        load(saved_model, **options)
    assert compiler.calls == []


def test_what_is_neither_is_refused_as_neither(tmp_path):
    with pytest.raises(
        tfnative.LoadError, match=r"no lib\*\.so and no saved_model\.pb"
    ):
        load(tmp_path)
    with pytest.raises(tfnative.NotFoundError, match="no such file or folder"):
        load(tmp_path / "missing")


def test_a_saved_model_without_a_backend_says_what_to_do(saved_model):
    with pytest.raises(tfnative.InvalidArgumentError, match="tfnative compile") as e:
        tfnative.load(saved_model)
    assert 'backend="auto"' in str(e.value)
