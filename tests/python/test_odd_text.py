# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Names and paths that are no text: they work, or an error of ours says so."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

import tfnative
from tests.python.conftest import manifest
from tests.python.store.releases import Releases
from tfnative._base.text import checked_path
from tfnative._compile.options import CompileOptions
from tfnative.manifest import Manifest
from tfnative.serving import Client
from tfnative.serving.grpc_form import predict_request
from tfnative.serving.json_tensors import load as load_json
from tfnative.serving.types import ModelSpec

ROWS = np.ones((2, 3), np.float32)
NOT_TEXT = "\ud800"

texts = st.text(
    st.characters() | st.sampled_from(["\ud800", "\udcff", "\0", "\n", "é", "/"]),
    max_size=6,
)
many = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def tried(call: Callable[[], object]) -> None:
    """Holds if it answers, or raises an error of ours that can be written."""
    try:
        call()
    except tfnative.Error as error:
        str(error).encode()


@pytest.fixture
def store(releases: Releases) -> Iterator[tfnative.ModelStore]:
    releases.add(1)
    with releases.store() as opened:
        yield opened


@many
@given(text=texts)
@example(text=NOT_TEXT)
@example(text="a\0b")
@example(text="")
def test_any_name_for_a_model_in_memory_works_or_is_refused(
    model: tfnative.Model, text: str
) -> None:
    tried(lambda: model.predict(ROWS, signature=text))
    tried(lambda: model.signature(text))
    tried(lambda: model.predict({text: ROWS}, signature="affine"))
    tried(lambda: model.predict(ROWS, signature="affine", out={text: ROWS}))
    tried(lambda: tfnative.Batcher(model, signature=text))
    tried(lambda: tfnative.Fallback([model, model]).predict(ROWS, signature=text))
    tried(lambda: tfnative.Shadow(model, model).predict(ROWS, signature=text))


@many
@given(text=texts)
@example(text=NOT_TEXT)
@example(text="a\0b")
def test_any_path_or_option_works_or_is_refused(
    fake: Path, tmp_path: Path, text: str
) -> None:
    path = os.path.join(tmp_path, text)
    tried(lambda: tfnative.load(path))
    tried(lambda: tfnative.load(path, backend="auto"))
    tried(lambda: tfnative.load(path.encode(errors="surrogatepass")))  # type: ignore[call-overload]
    tried(lambda: tfnative.load(fake, cpu_level=text))
    tried(lambda: tfnative.selftest(path))
    tried(lambda: tfnative.ModelStore(path, poll_seconds=None))
    tried(lambda: checked_path("path", text))
    tried(lambda: CompileOptions(name=text))
    tried(lambda: CompileOptions(constants={text: text}))
    tried(lambda: CompileOptions(signatures=[text]))
    tried(lambda: CompileOptions(golden=text))


@many
@given(text=texts)
@example(text=NOT_TEXT)
@example(text="")
def test_any_label_or_version_of_a_store_works_or_is_refused(
    store: tfnative.ModelStore, text: str
) -> None:
    tried(lambda: store.predict(ROWS, label=text, signature="affine"))
    tried(lambda: store.predict(ROWS, version=text, signature="affine"))  # type: ignore[arg-type]
    tried(lambda: store.predict(ROWS, key=text, signature="affine"))
    tried(lambda: store.predict(ROWS, signature=text))
    tried(lambda: store.set_labels({text: 1}))
    tried(lambda: store.set_labels({text: 9}))
    tried(lambda: store.split({text: 1}))
    tried(lambda: store.follow(print, label=text))
    store.split(None)


@many
@given(text=texts)
@example(text=NOT_TEXT)
@example(text="")
def test_any_name_sent_to_a_server_works_or_is_refused(text: str) -> None:
    tried(lambda: Client(text))
    for spec in (
        lambda: ModelSpec(text),
        lambda: ModelSpec("m", label=text),
        lambda: ModelSpec("m", signature=text),
    ):
        tried(lambda spec=spec: predict_request(spec(), {"x": ROWS}))  # type: ignore[misc]
    tried(lambda: predict_request(ModelSpec("m"), {text: ROWS}))
    tried(lambda: predict_request(ModelSpec("m"), {"x": ROWS}, [text]))
    tried(lambda: load_json(json.dumps({"signature_name": text})))


@many
@given(text=texts, field=st.sampled_from(["name", "library", "triple", "assets"]))
@example(text=NOT_TEXT, field="assets")
def test_any_text_in_a_manifest_is_read_or_refused(text: str, field: str) -> None:
    content = manifest()
    content[field] = [text] if field == "assets" else text
    content["signatures"][text] = content["signatures"]["affine"]
    tried(lambda: Manifest.from_json(json.dumps(content)))


def test_every_message_can_be_written_and_keeps_what_it_can() -> None:
    error = tfnative.CompileError(f"no {NOT_TEXT} é", ops=["A"])
    assert str(error) == "no \\ud800 é"
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.ops) == (str(error), ("A",))


@pytest.mark.parametrize("given", [b"a", 1, None, NOT_TEXT, "a\0b", ""])
def test_what_is_no_path_is_refused(given: Any) -> None:
    for use in (tfnative.load, tfnative.ModelStore):
        with pytest.raises(tfnative.InvalidArgumentError, match="must be a path"):
            use(given)


COMMANDS: list[list[Any]] = [
    ["inspect", b"no\xff"],
    ["run", "FAKE", "--signature", b"\xff", "--input", "x=x.npy"],
    ["bench", "FAKE", "--signature", b"\xff"],
    ["compile", "FAKE", "-o", b"out\xff", "--name", "m"],
    ["compile", "FAKE", "-o", "out", "--constant", b"a=\xff"],
    ["serve", b"no\xff"],
    ["serving", "status", b"\xff", "m"],
    ["serving", "status", "localhost:1", b"\xff"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_arguments_of_commands_that_are_no_text_are_refused(
    fake: Path, tmp_path: Path, command: list[Any]
) -> None:
    np.save(tmp_path / "x.npy", ROWS)
    arguments = [str(fake) if word == "FAKE" else word for word in command]
    status, said = run_command(arguments, tmp_path)
    assert status in (1, 2)  # 2 where the parser of the command finds out.
    assert f"tfnative {command[0]}".encode() in said
    assert b"Traceback" not in said


def test_a_variable_that_is_no_text_is_refused(fake: Path, tmp_path: Path) -> None:
    arguments = ["bench", str(fake), "--signature", "affine"]
    status, said = run_command(arguments, tmp_path, {b"TFNATIVE_CPU_LEVEL": b"\xff"})
    assert status == 1
    assert b"\\xff" in said
    assert b"Traceback" not in said


def run_command(
    arguments: list[Any], folder: Path, more: dict[bytes, bytes] | None = None
) -> tuple[int, bytes]:
    """The status and standard error of a command."""
    done = subprocess.run(
        [sys.executable, "-m", "tfnative", *arguments],
        cwd=folder,
        env={**os.environb, **(more or {})},
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stderr
