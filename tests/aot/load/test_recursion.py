# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Functions that call themselves are refused, since TensorFlow ends the process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tfnative
from tfnative.errors import CompileError
from tfnative_aot.load.reach import recursion

# f(n, x) = f(n - 1, x + x) if n > 0, else x.
DOUBLES = """
node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } }
  attr { key: "shape" value { shape { dim { size: -1 } } } } }
node { name: "n" op: "Const" attr { key: "dtype" value { type: DT_INT32 } }
  attr { key: "value" value { tensor { dtype: DT_INT32 tensor_shape {} int_val: 3 } } }
}
node { name: "c" op: "double" input: "n" input: "x" }
node { name: "y" op: "Identity" input: "c" attr { key: "T" value { type: DT_FLOAT } } }
versions { producer: 1087 }
library {
  function {
    signature { name: "double"
      input_arg { name: "n" type: DT_INT32 } input_arg { name: "x" type: DT_FLOAT }
      output_arg { name: "o" type: DT_FLOAT } }
    node_def { name: "z" op: "Const" attr { key: "dtype" value { type: DT_INT32 } }
      attr { key: "value"
        value { tensor { dtype: DT_INT32 tensor_shape {} int_val: 0 } } } }
    node_def { name: "p" op: "Greater" input: "n" input: "z:output:0"
      attr { key: "T" value { type: DT_INT32 } } }
    node_def { name: "if" op: "If" input: "p:z:0" input: "n" input: "x"
      attr { key: "Tcond" value { type: DT_BOOL } }
      attr { key: "Tin" value { list { type: DT_INT32 type: DT_FLOAT } } }
      attr { key: "Tout" value { list { type: DT_FLOAT } } }
      attr { key: "then_branch" value { func { name: "again" } } }
      attr { key: "else_branch" value { func { name: "done" } } } }
    ret { key: "o" value: "if:output:0" }
  }
  function {
    signature { name: "again"
      input_arg { name: "n" type: DT_INT32 } input_arg { name: "x" type: DT_FLOAT }
      output_arg { name: "o" type: DT_FLOAT } }
    node_def { name: "one" op: "Const" attr { key: "dtype" value { type: DT_INT32 } }
      attr { key: "value"
        value { tensor { dtype: DT_INT32 tensor_shape {} int_val: 1 } } } }
    node_def { name: "m" op: "Sub" input: "n" input: "one:output:0"
      attr { key: "T" value { type: DT_INT32 } } }
    node_def { name: "d" op: "AddV2" input: "x" input: "x"
      attr { key: "T" value { type: DT_FLOAT } } }
    node_def { name: "call" op: "double" input: "m:z:0" input: "d:z:0" }
    ret { key: "o" value: "call:o:0" }
  }
  function {
    signature { name: "done"
      input_arg { name: "n" type: DT_INT32 } input_arg { name: "x" type: DT_FLOAT }
      output_arg { name: "o" type: DT_FLOAT } }
    node_def { name: "i" op: "Identity" input: "x"
      attr { key: "T" value { type: DT_FLOAT } } }
    ret { key: "o" value: "i:output:0" }
  }
}
"""


def graph(calls: dict[str, list[str]]) -> Any:
    """Functions that call others, of which the graph calls "a"."""
    from tensorflow.core.framework.graph_pb2 import GraphDef

    found = GraphDef()
    found.node.add(name="n", op="a")
    for name, called in calls.items():
        function = found.library.function.add()
        function.signature.name = name
        for number, each in enumerate(called):
            function.node_def.add(name=f"n{number}", op=each)
    return found


@pytest.mark.parametrize(
    ("calls", "circle"),
    [
        ({"a": ["a"]}, ["a"]),
        ({"a": ["b"], "b": ["c", "d"], "c": [], "d": ["b"]}, ["b", "d"]),
        ({"a": ["b", "c"], "b": ["c"], "c": ["d"], "d": []}, []),
        ({"a": ["b", "b", "c"], "b": ["d"], "c": ["b", "d"], "d": []}, []),
        ({"a": ["Relu"], "b": ["b"]}, []),  # Which nothing calls.
    ],
)
def test_circles_are_found(calls: dict[str, list[str]], circle: list[str]):
    graph_def = graph(calls)
    assert recursion(graph_def, list(graph_def.node)) == circle


def test_they_are_refused_by_name(tmp_path: Path):
    from google.protobuf import text_format
    from tensorflow.core.framework.graph_pb2 import GraphDef

    graph_def = text_format.Parse(DOUBLES, GraphDef())
    path = tmp_path / "doubles.pb"
    path.write_bytes(graph_def.SerializeToString())
    ends = {"inputs": ["x:0"], "outputs": ["y:0"]}
    said = "function double calls again calls double: functions that call themselves"
    with pytest.raises(CompileError, match=said):
        tfnative.compile(path, tmp_path / "net", **ends)
    with pytest.raises(CompileError, match=said):
        tfnative.optimize(path, tmp_path / "small", **ends)
    assert [each.name for each in tmp_path.iterdir()] == ["doubles.pb"]
