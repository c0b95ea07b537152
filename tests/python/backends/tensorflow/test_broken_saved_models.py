# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is no model any more is an error, and the process goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tfnative

pytest.importorskip("tensorflow")

LOAD = """\
import sys
import tfnative
try:
    model = tfnative.load(sys.argv[1], backend="tensorflow")
    model.predict([[1, 2, 3]], signature="affine")
    print("fine")
except tfnative.Error as error:
    print(type(error).__name__, error)
"""


@pytest.fixture
def broken(saved: Callable[[str], Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved("affine"), tmp_path / "broken"))


def edit(path: Path, change: Callable[[Any], None]) -> None:
    """Changes the message of a SavedModel."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    file = path / "saved_model.pb"
    message = SavedModel.FromString(file.read_bytes())
    change(message.meta_graphs[0])
    file.write_bytes(message.SerializeToString())


def test_a_folder_that_is_not_there(tmp_path: Path):
    with pytest.raises(tfnative.NotFoundError, match="none"):
        tfnative.load(tmp_path / "none", backend="tensorflow")
    with pytest.raises(tfnative.LoadError, match=r"saved_model\.pb"):
        tfnative.load(tmp_path, backend="tensorflow")


def test_other_tags_than_there_are(broken: Path):
    with pytest.raises(tfnative.NotFoundError, match=r"gpu.*serve"):
        tfnative.load(broken, backend="tensorflow", tags=("serve", "gpu"))


@pytest.mark.parametrize("part", [0.01, 0.3, 0.6, 0.999])
def test_a_message_that_is_cut_off(broken: Path, part: float):
    file = broken / "saved_model.pb"
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(tfnative.LoadError, match="broken"):
        tfnative.load(broken, backend="tensorflow")


@pytest.mark.parametrize("content", [b"", b"\xff" * 100, b"text", b"\x12\x7f"])
def test_a_message_that_is_none(broken: Path, content: bytes):
    (broken / "saved_model.pb").write_bytes(content)
    # Nothing at all is a message, without graphs.
    kind = tfnative.LoadError if content else tfnative.NotFoundError
    with pytest.raises(kind, match="broken"):
        tfnative.load(broken, backend="tensorflow")


def remove_variables(path: Path) -> None:
    shutil.rmtree(path / "variables")


def remove_data(path: Path) -> None:
    (path / "variables" / "variables.data-00000-of-00001").unlink()


def cut_data(path: Path) -> None:
    file = path / "variables" / "variables.data-00000-of-00001"
    file.write_bytes(file.read_bytes()[:7])


def damage_index(path: Path) -> None:
    file = path / "variables" / "variables.index"
    file.write_bytes(b"\xff" + file.read_bytes()[1:-8])


def make_a_cycle(path: Path) -> None:
    def change(graph: Any) -> None:
        a = graph.graph_def.node.add(name="a", op="Identity", input=["b"])
        b = graph.graph_def.node.add(name="b", op="Identity", input=["a"])
        for node in (a, b):
            node.attr["T"].type = 1
        graph.signature_def["affine"].outputs["y"].name = "a:0"

    edit(path, change)


def make_a_huge_constant(path: Path) -> None:
    def change(graph: Any) -> None:
        node = graph.graph_def.node.add(name="huge", op="Const")
        node.attr["dtype"].type = 1
        tensor = node.attr["value"].tensor
        tensor.dtype = 1
        for _ in range(3):
            tensor.tensor_shape.dim.add(size=1 << 40)

    edit(path, change)


def use_an_unknown_op(path: Path) -> None:
    edit(path, lambda graph: graph.graph_def.node.add(name="new", op="NoSuchOp"))


def name_no_tensor(path: Path) -> None:
    def change(graph: Any) -> None:
        graph.signature_def["affine"].outputs["y"].name = "nothing:0"

    edit(path, change)


def number_no_tensor(path: Path) -> None:
    def change(graph: Any) -> None:
        graph.signature_def["affine"].inputs["x"].name += "00000000000000000000"

    edit(path, change)


def call_no_function(path: Path) -> None:
    def change(graph: Any) -> None:
        del graph.graph_def.library.function[:]

    edit(path, change)


@pytest.mark.parametrize(
    "damage",
    [
        remove_variables,
        remove_data,
        cut_data,
        damage_index,
        make_a_cycle,
        make_a_huge_constant,
        use_an_unknown_op,
        name_no_tensor,
        number_no_tensor,
        call_no_function,
    ],
)
def test_damage_is_an_error_and_not_the_end_of_the_process(
    broken: Path, damage: Callable[[Path], None], run_python: Callable[..., str]
):
    damage(broken)
    said = run_python(LOAD, broken)
    assert said.startswith(("LoadError", "NotFoundError")), said
    assert "broken" in said


def test_without_damage_it_is_fine(broken: Path, run_python: Callable[..., str]):
    edit(broken, lambda graph: None)
    assert run_python(LOAD, broken) == "fine\n"
