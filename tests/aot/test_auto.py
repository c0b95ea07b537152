# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`load(..., backend="auto")` with the real compiler and the real TensorFlow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.models import ZOO, ModelCase
from tests.models.saving import function_save
from tests.seeded_cache import seed_cache
from tfnative import cache
from tfnative._cache.store import Store
from tfnative_aot.load.load_model import load_model

Export = Callable[[ModelCase], Path]

LOAD = """\
import json, sys, time
begin = time.monotonic()
import tfnative
model = tfnative.load(sys.argv[1], backend="auto")
seconds = time.monotonic() - begin
print(json.dumps({"backend": model.backend, "reason": model.backend_reason,
                  "seconds": seconds, "modules": list(sys.modules)}))
"""


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seed_cache(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def place(kernels: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache without models, but with kernels."""
    monkeypatch.setenv("TFNATIVE_CACHE", str(kernels))
    for entry in cache.entries():
        Store().remove(entry.key)
    return kernels


def environment() -> dict[str, str]:
    """A user's, who has not said how much TensorFlow is to log."""
    found = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    found.pop("TF_CPP_MIN_LOG_LEVEL", None)
    return found


def is_of_opening(line: str) -> bool:
    """Whether TensorFlow's library says it as it is opened, before it can be told."""
    said = (
        "before absl::InitializeLog",
        "Could not find cuda drivers",
        "] oneDNN custom",
    )
    return any(words in line for words in said)


def load_elsewhere(path: Path) -> Mapping[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(path)],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )
    assert done.returncode == 0, done.stderr
    shown = [line for line in done.stderr.splitlines() if not is_of_opening(line)]
    assert not shown, "nothing is shown where there is no terminal"
    found: Mapping[str, object] = json.loads(done.stdout)
    return found


def same_as_tensorflow(model: tfnative.Model, path: Path, case: ModelCase) -> None:
    inputs = case.inputs(11, np.random.default_rng(0))
    expected = load_model(path).run(case.signature, inputs)
    for name, value in model.predict(inputs).items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_a_numeric_model_is_compiled_once_without_importing_tensorflow(
    export: Export, place: Path
) -> None:
    path = export(ZOO["mlp"])
    first = load_elsewhere(path)
    assert str(first["reason"]).startswith("compiled for ")
    second = load_elsewhere(path)
    assert second["reason"] == "compiled code from the cache"
    for found in (first, second):
        assert found["backend"] == "native"
        modules = {str(name).partition(".")[0] for name in found["modules"]}  # type: ignore[attr-defined]
        assert "tensorflow" not in modules
    same_as_tensorflow(tfnative.load(path, backend="auto"), path, ZOO["mlp"])


@pytest.mark.slow
def test_processes_at_once_compile_once(export: Export, place: Path) -> None:
    path = export(ZOO["mlp"])
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", LOAD, str(path)],
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        for _ in range(3)
    ]
    reasons = [json.loads(p.communicate()[0])["reason"] for p in processes]
    compiled = [reason for reason in reasons if reason.startswith("compiled for ")]
    assert len(compiled) == 1, reasons
    assert len(cache.entries()) == 1


@pytest.mark.slow
def test_a_process_that_is_killed_while_it_compiles_leaves_nothing_that_hinders(
    export: Export, place: Path
) -> None:
    path = export(ZOO["mlp"])
    process = subprocess.Popen(
        [sys.executable, "-c", LOAD, str(path)], env=environment()
    )
    models = place / "models"
    wait_for(lambda: any(models.glob(".making-*")))
    wait_for(lambda: children(process.pid))
    (worker,) = children(process.pid)
    time.sleep(1)  # So that TensorFlow is being imported.
    process.kill()
    process.wait()
    wait_for(lambda: not runs(worker))
    assert tfnative.load(path, backend="auto").backend_reason.startswith("compiled for")
    assert [folder.name[:1] for folder in models.iterdir()] != ["."]
    assert not list(models.glob(".*"))


def save_vocabulary(folder: Path) -> Path:
    """Saves a model that looks words up in a file, and gives them back, too."""
    import tensorflow as tf

    words = folder / "words.txt"
    words.write_text("zero\none\ntwo\n")
    module = tf.Module()
    module.table = tf.lookup.StaticVocabularyTable(
        tf.lookup.TextFileInitializer(
            str(words),
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        ),
        num_oov_buckets=1,
    )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "words")])
    def call(words: object) -> dict[str, object]:
        return {"ids": module.table.lookup(words), "words": words}

    module.call = call
    tf.saved_model.save(module, str(folder / "vocabulary"), signatures=call)
    return folder / "vocabulary"


def test_a_vocabulary_runs_with_tensorflow_and_the_reason_names_the_ops(
    tmp_path: Path, place: Path
) -> None:
    path = save_vocabulary(tmp_path)
    model = tfnative.load(path, backend="auto")
    assert model.backend == "tensorflow"
    first, *others = model.backend_reason.splitlines()
    assert first.startswith("it cannot be compiled because of ")
    assert "LookupTableFindV2" in first
    assert any("lookup table" in line for line in others)
    found = model.predict(np.array([b"two", b"zero", b"many"], object))
    assert found["ids"].tolist() == [2, 0, 3]
    (entry,) = cache.entries()
    assert entry.refusal is not None
    assert "LookupTableFindV2" in entry.refusal.ops


def test_what_was_refused_is_not_looked_at_again(tmp_path: Path, place: Path) -> None:
    path = save_vocabulary(tmp_path)
    reasons = set()
    for _ in range(2):
        found = load_elsewhere(path)
        assert found["backend"] == "tensorflow"
        modules = {str(name).partition(".")[0] for name in found["modules"]}  # type: ignore[attr-defined]
        assert "tensorflow" not in modules
        reasons.add(found["reason"])
        made = {entry.created for entry in cache.entries()}
    assert len(reasons) == 1
    assert made == {entry.created for entry in cache.entries()}


@pytest.mark.slow
def test_a_model_that_is_broken_is_one_error_with_both_reasons(
    tmp_path: Path, place: Path
) -> None:
    path = tmp_path / "broken"
    path.mkdir()
    (path / "saved_model.pb").write_bytes(b"\xff" * 100)
    with pytest.raises(tfnative.Error, match="TensorFlow was to run it since"):
        tfnative.load(path, backend="auto")


@pytest.mark.slow
def test_a_signature_that_is_not_there_is_an_error(export: Export, place: Path) -> None:
    path = export(ZOO["mlp"])
    with pytest.raises(tfnative.NotFoundError, match="'nope'"):
        tfnative.load(path, backend="auto", signatures=["nope"])
    with pytest.raises(tfnative.InvalidArgumentError, match="nope"):
        tfnative.load(path, backend="auto", shapes={"nope": (1,)})
    with pytest.raises(tfnative.InvalidArgumentError, match="unknown CPU level"):
        tfnative.load(path, backend="auto", cpu_level="z80")


@pytest.mark.slow
def test_inputs_can_be_fixed_but_not_in_tensorflow(
    export: Export, tmp_path: Path, place: Path
) -> None:
    def tiled(x: Any, n: Any) -> dict[str, Any]:
        import tensorflow as tf

        return {"y": tf.tile(x, [1, n])}

    inputs = {"x": ((None, 2), "float32"), "n": ((), "int32")}
    path = function_save(tiled, **inputs)(tmp_path / "m")
    with tfnative.load(path, backend="auto", constants={"n": 2}) as model:
        assert model.backend == "native"
        assert model.predict(np.float32([[1, 2]])).tolist() == [[1, 2, 1, 2]]
    path = export(ZOO["refused_random"])
    with pytest.raises(tfnative.Error, match="constants are for compiled code only"):
        tfnative.load(path, backend="auto", constants={"x": [[1.0] * 4]})


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"
