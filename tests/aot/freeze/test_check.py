# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What cannot be compiled is refused before compiling, node by node."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.models import ZOO, ModelCase
from tests.models.saving import function_save, module_save
from tfnative.errors import CompileError
from tfnative_aot.freeze.check import (
    check,
    check_assertions,
    is_among,
    source_assertions,
)
from tfnative_aot.freeze.freeze import freeze
from tfnative_aot.load.load_model import load_model
from tfnative_aot.load.places import Places

Export = Callable[[ModelCase], Path]

REFUSED = [case for case in ZOO.values() if "refused" in case.tags]
# One of each kind: what all others are made of is in them.
ACCEPTED = ["lstm", "transformer", "switch", "tf1_loop", "complex", "stateless_random"]


def freeze_and_check(path: Path, **options: Any) -> None:
    check(freeze(load_model(path), "serving_default", **options))


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_every_offending_node_is_listed_with_its_reason(
    case: ModelCase, export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = export(case)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CompileError, match=case.refused_when) as caught:
        freeze_and_check(path)
    message = str(caught.value)
    assert "'serving_default'" in message
    for op in case.refused_ops:
        # A node's name in the graph comes before its op.
        assert re.search(rf"^  \S*/\S* \({op}\): ", message, re.MULTILINE), message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_can_be_compiled_is_accepted(name: str, export: Export) -> None:
    case = ZOO[name]
    freeze_and_check(export(case), shapes=case.shapes)


def test_nodes_in_the_body_of_a_loop_are_all_listed(export: Export) -> None:
    with pytest.raises(CompileError, match="because of 2 nodes") as caught:
        freeze_and_check(export(ZOO["refused_in_loop"]))
    assert "while_body" in str(caught.value)


def test_the_place_in_the_users_code_is_shown(tmp_path: Path) -> None:
    def build() -> tuple[Any, Any]:
        import tensorflow as tf

        module = tf.Module()

        @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, "x")])
        def call(x: Any) -> Any:
            return {"y": x + tf.random.normal([2])}  # Here.

        module.call = call
        return module, call

    lines = Path(__file__).read_text().splitlines()
    here = next(n for n, line in enumerate(lines, 1) if line.endswith("# Here."))
    path = module_save(build, {"save_debug_info": True})(tmp_path / "m")
    with pytest.raises(CompileError, match=rf"at \S*test_check\.py:{here}: draws"):
        freeze_and_check(path)


def test_without_debug_information_no_place_is_shown(export: Export) -> None:
    with pytest.raises(CompileError) as caught:
        freeze_and_check(export(ZOO["refused_random"]))
    assert " at " not in str(caught.value).partition("\n")[2].partition(": draws")[0]


def asserting(x: Any) -> dict[str, Any]:
    import tensorflow as tf

    holds = tf.equal(tf.shape(x)[1], 4)
    with tf.control_dependencies([tf.raw_ops.Assert(condition=holds, data=[1])]):
        return {"y": x * 2}


def test_an_assertion_that_known_sizes_prove_is_dropped(tmp_path: Path) -> None:
    save = function_save(asserting, x=((None, None), "float32"))
    path = save(tmp_path / "m")
    for sizes, is_kept in (((3, 4), False), ((-1, 4), False), ((3, 5), True)):
        graph = freeze(load_model(path), "serving_default", shapes={"x": sizes})
        check(graph)
        kept = any(node.op == "Assert" for node in graph.graph_def.node)
        assert kept == is_kept


def test_an_assertion_that_gets_lost_is_refused(tmp_path: Path) -> None:
    from tensorflow.core.framework.graph_pb2 import GraphDef

    path = function_save(asserting, x=((None, None), "float32"))(tmp_path / "m")
    model = load_model(path)
    signature = model.signature("serving_default")
    source = model.source.graph(signature)
    assertions = source_assertions(source, Places(path))
    graph = freeze(model, "serving_default", shapes={"x": (3, 5)}).graph_def
    check_assertions(assertions, (), graph, signature)
    check_assertions(assertions, [assertions[0].name], GraphDef(), signature)
    with pytest.raises(CompileError, match=r"Assert \(Assert\): .* would be lost"):
        check_assertions(assertions, (), GraphDef(), signature)


def test_a_type_that_has_no_kernel_is_named(tmp_path: Path) -> None:
    def function(x: Any) -> dict[str, Any]:
        import tensorflow as tf

        return {"y": tf.cumsum(x, 1)}

    path = function_save(function, x=((None, 4), "int16"))(tmp_path / "m")
    with pytest.raises(CompileError, match=r"\(Cumsum\): .* op with int16, int32"):
        freeze_and_check(path)


@pytest.mark.parametrize(
    ("inlined", "found"),
    [
        ("check/Assert", True),
        ("call/check/Assert", True),
        ("call/check/Assert_tfg_inlined_call/cond_0", True),
        ("check/Assert_1", False),
        ("other_check/Assert", False),
    ],
)
def test_assertions_are_found_under_the_names_that_inlining_gives(
    inlined: str, found: bool
):
    assert is_among("check/Assert", [inlined]) is found
