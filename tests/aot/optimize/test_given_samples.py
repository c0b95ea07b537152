# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which signatures a user's data are for, and what is said of data for none."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tensorflow.core.framework.graph_pb2 import GraphDef  # noqa: TID253

from tfnative._base.tfrecord import masked_crc32c
from tfnative._optimize.options import OptimizeOptions
from tfnative.errors import Error, InvalidArgumentError, NotFoundError
from tfnative_aot.load.source import Signature, TensorSpec
from tfnative_aot.optimize.given_samples import given_samples
from tfnative_aot.optimize.graph import Initializer, SignatureEnds, WholeGraph
from tfnative_aot.optimize.notes import of_data
from tfnative_aot.optimize.samples import make_samples


def graph_of(**signatures: tuple[str, str, Sequence[int | None]]) -> Any:
    """Signatures of one input each, x or z: op that reads it, dtype and shape."""
    graph_def, ends = GraphDef(), []
    for name, (op, dtype, shape) in signatures.items():
        graph_def.node.add(name=f"{name}_in", op="Placeholder")
        graph_def.node.add(name=f"{name}_op", op=op, input=[f"{name}_in"])
        graph_def.node.add(name=f"{name}_out", op="Identity", input=[f"{name}_op"])
        given = "z" if name == "z" else "x"
        spec = TensorSpec(given, f"{name}_in:0", dtype, tuple(shape))
        out = TensorSpec("y", f"{name}_out:0", "float32", (None,))
        signature = Signature(name, (spec,), (out,))
        ends.append(
            SignatureEnds(signature, {given: f"{name}_in:0"}, {"y": f"{name}_out:0"})
        )
    return WholeGraph(graph_def, tuple(ends), Initializer())


def test_messages_are_for_signatures_that_parse_them(tmp_path: Path):
    file = tmp_path / "messages.tfrecord"
    head = struct.pack("<Q", 3)
    checked = [struct.pack("<I", masked_crc32c(part)) for part in (head, b"one")]
    file.write_bytes(head + checked[0] + b"one" + checked[1])
    words = ("StringSplitV2", "string", [None])
    graph = graph_of(
        parses=("ParseExampleV2", "string", [None]),
        splits=words,
        numbers=("Relu", "float32", [None]),
    )
    assert list(given_samples(file, graph, None)) == ["parses"]
    with pytest.raises(InvalidArgumentError, match=r"no signature parses of 'splits'"):
        given_samples(file, graph_of(splits=words), None)


def test_data_that_do_not_fit_name_the_signature():
    graph = graph_of(
        one=("Relu", "float32", [None, 3]), other=("Relu", "float32", [None, 4])
    )
    with pytest.raises(
        InvalidArgumentError, match=r"\[2, 3\], expected .*'other'.*--signature"
    ):
        given_samples({"x": np.ones((2, 3), np.float32)}, graph, None)
    with pytest.raises(InvalidArgumentError, match=r"x \(signature 'one'\); or x"):
        given_samples({"z": np.ones(3)}, graph, None)


def test_files_that_are_none_say_what_they_are(tmp_path: Path):
    graph = graph_of(one=("Relu", "float32", [None, 3]))
    np.save(tmp_path / "a.npy", np.ones(3))
    np.savez(tmp_path / "objects.npz", x=np.array([{}], object))
    (tmp_path / "garbage.npz").write_bytes(b"garbage")
    (tmp_path / "garbage.data").write_bytes(b"garbage" * 9)
    kinds: dict[str, tuple[type[Error], str]] = {
        "a.npy": (InvalidArgumentError, r"one array.*numpy\.savez"),
        "objects.npz": (InvalidArgumentError, "Python objects, which are not read"),
        "garbage.npz": (InvalidArgumentError, "neither a .npy nor a .npz file"),
        "garbage.data": (InvalidArgumentError, r"\.npz file by its name, or a TFRec"),
        ".": (InvalidArgumentError, "is a folder: expected"),
        "/dev/null": (InvalidArgumentError, "is no regular file: expected"),
        "nothing": (NotFoundError, "no file"),
    }
    for name, (kind, said) in kinds.items():
        with pytest.raises(kind, match=said) as caught:
            given_samples(tmp_path / name, graph, None)
        assert "allow_pickle" not in str(caught.value)


def test_what_the_data_lack_is_generated_and_named():
    graph = graph_of(one=("Relu", "float32", [None, 3]), z=("Neg", "float32", [None]))
    model: Any = SimpleNamespace(assets=())
    session: Any = SimpleNamespace(run=lambda ends, batch: {"y": np.zeros(1)})
    data = {"x": np.ones((2, 3), np.float32)}
    samples, generated = make_samples(
        graph, model, session, OptimizeOptions(representative_data=data)
    )
    assert generated == ["z"]
    assert samples.keys() == {"one", "z"}
    np.testing.assert_array_equal(samples["one"][0]["x"], data["x"])
    said = [text for _, text in of_data(graph.ends[1], generated)]
    assert "does not give z; leave it out with --signature" in said[0]
    assert not list(of_data(graph.ends[0], generated))
