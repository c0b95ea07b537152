# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Lists of transforms are read as the Graph Transform Tool reads them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from tfnative import InvalidArgumentError, Transform
from tfnative._optimize import parameter_values
from tfnative._optimize.catalog import CATALOG, FOR_PREDICTION, GONE
from tfnative._optimize.transforms import parse_transforms

texts = st.text(st.characters(exclude_characters='"', codec="utf-8"), max_size=8)
transforms = st.one_of(
    st.builds(
        Transform,
        st.just("insert_logging"),
        # The message may come once, and prefixes several times.
        st.permutations(["message", "prefix", "prefix"]).flatmap(
            lambda names: st.tuples(*(st.tuples(st.just(n), texts) for n in names))
        ),
    ),
    st.builds(lambda device: Transform("set_device", (("device", device),)), texts),
    st.builds(
        lambda op: Transform("remove_nodes", (("op", op), ("max_inputs", "2"))),
        texts.filter(str.strip),
    ),
    st.sampled_from(["fold_constants", "remove_device"]).map(Transform),
)


@pytest.mark.parametrize(
    "text",
    [
        "remove_nodes(op=Identity, op=CheckNumerics) strip_unused_nodes",
        "remove_nodes(op=Identity,op=CheckNumerics)strip_unused_nodes",
        " remove_nodes ( op = \"Identity\" ,op='CheckNumerics' )\nstrip_unused_nodes",
        "remove_nodes(\n  op=Identity\n  op=CheckNumerics\n), strip_unused_nodes()",
    ],
)
def test_texts_are_read_whatever_spaces_and_quotes_they_have(text: str):
    assert parse_transforms(text) == (
        Transform("remove_nodes", (("op", "Identity"), ("op", "CheckNumerics"))),
        Transform("strip_unused_nodes"),
    )


@given(st.lists(transforms, max_size=4))
def test_what_is_written_is_read_again(given_: list[Transform]):
    assert parse_transforms(" ".join(map(str, given_))) == tuple(given_)
    assert parse_transforms([*given_, "fold_constants"])[:-1] == tuple(given_)


def test_the_default_list_is_one():
    assert parse_transforms(FOR_PREDICTION)[0] == Transform("remove_training_nodes")
    assert parse_transforms("") == ()


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("fold_constant", "fold_constants"),
        ("quantise_weights", "quantize_weights"),
        ("strip_unused", "strip_unused_nodes"),
        ("remove_dropout_nodes", "remove_nodes"),
    ],
)
def test_an_unknown_name_offers_the_nearest(name: str, near: str):
    with pytest.raises(InvalidArgumentError, match=rf"Did you mean .*{near}"):
        parse_transforms(name)


@pytest.mark.parametrize("name", sorted(GONE))
def test_names_that_the_tool_had_say_so(name: str):
    with pytest.raises(InvalidArgumentError, match="has it no more"):
        parse_transforms(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "remove_nodes(ops=Identity)",
            "no parameter 'ops'; its .* are: op, max",
        ),
        ("fold_batch_norms(x=1)", "its parameters are: none"),
        ("remove_nodes(op=", "expected parameter=value, or .* found 'op='"),
        ("remove_nodes(op=Identity", "found the end"),
        ("fold_constants)", "expected the name of a transform at place 15"),
        ("3d", "expected the name of a transform at place 1, found '3d'"),
        ("set_device(device='\"')", "quotation mark"),
    ],
)
def test_what_cannot_be_read_says_where(text: str, message: str):
    with pytest.raises(InvalidArgumentError, match=message):
        parse_transforms(text)


def test_every_transform_says_what_it_does_in_one_sentence():
    assert list(CATALOG) == sorted(CATALOG)
    for kind in CATALOG.values():
        assert kind.meaning[0].isupper()
        assert kind.meaning.count(".") == 1
        assert kind.meaning.endswith(".")
        assert all(kind.parameters.values())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("round_weights(num_steps=nan)", "must be a whole number from 1 to 2147483647"),
        ("round_weights(num_steps=0)", "must be a whole number from 1 to 2147483647"),
        ("round_weights(num_steps=99999999999)", "num_steps must be a whole number"),
        ("quantize_weights(minimum_size=x)", "minimum_size must be .*, got 'x'"),
        ("quantize_nodes(input_min=inf)", "input_min must be a finite number"),
        ("fold_constants(clear_output_shapes=maybe)", "must be true or false"),
        ("freeze_requantization_ranges(min_percentile=101)", "from 0 to 100"),
        ("remove_nodes(op='')", "op must be a name"),
        ("remove_nodes", "remove_nodes needs the parameter op, as in"),
        ("rename_op(old_op_name=Relu)", "needs the parameter new_op_name"),
        ("quantize_weights(minimum_size=99999999999)", "from 0 to 2147483647, got"),
        ("round_weights(num_steps=64, num_steps=2)", "num_steps is given twice"),
        ("remove_nodes(op=A, max_inputs=1, op=B, max_inputs=2)", "max_inputs is given"),
        ("remove_attribute(op_name=Relu)", "needs the parameter attribute_name"),
        ("strip_unused_nodes(type=foo)", "type must be the name of a type"),
        ("strip_unused_nodes(shape='a,b')", "shape must be sizes"),
        ("strip_unused_nodes(shape='-1,-5')", "shape must be sizes"),
        (
            "strip_unused_nodes(name=x, type_for_name=int32, shape_for_name='q')",
            "shape_for_name must be sizes",
        ),
    ],
)
def test_values_are_checked_before_anything_runs(text: str, message: str):
    with pytest.raises(InvalidArgumentError, match=message):
        parse_transforms(text)


def test_types_and_shapes_that_there_are_may_be_given():
    for text in ("type=float", "type=int64, shape=''", "shape='-1, 28,3'", "shape=7"):
        assert parse_transforms(f"strip_unused_nodes({text})")


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("round_weights", (("num_steps", 4),)),
        ("round_weights", {"num_steps": "4"}),
        ("round_weights", (("num_steps",),)),
        ("round_weights", "num_steps=4"),
        ("remove_nodes", (("op", None),)),
        (5, ()),
        (None, ()),
    ],
)
def test_a_transform_is_made_of_texts(name: Any, parameters: Any):
    with pytest.raises(InvalidArgumentError, match="Transform: "):
        Transform(name, parameters)


def test_checked_parameters_are_those_of_transforms():
    known = {name for kind in CATALOG.values() for name in kind.parameters}
    assert parameter_values.VALUES.keys() <= known
    for transform, name in parameter_values.REPEATED:
        assert name in CATALOG[transform].parameters
    for transform, names in parameter_values.REQUIRED.items():
        assert CATALOG[transform].parameters.keys() >= set(names)


def test_what_may_come_several_times_may():
    several = "strip_unused_nodes(name=x, type_for_name=int32, name=y, name=z)"
    (step,) = parse_transforms(several)
    assert [value for name, value in step.parameters if name == "name"] == [*"xyz"]
