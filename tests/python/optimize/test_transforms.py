# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Lists of transforms are read as the Graph Transform Tool reads them."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from tfnative import InvalidArgumentError, Transform
from tfnative._optimize.catalog import CATALOG, FOR_PREDICTION, GONE
from tfnative._optimize.transforms import parse_transforms

values = st.text(st.characters(exclude_characters='"', codec="utf-8"), max_size=8)
transforms = st.sampled_from(sorted(CATALOG)).flatmap(
    lambda name: st.builds(
        Transform,
        st.just(name),
        st.lists(
            st.tuples(st.sampled_from(sorted(CATALOG[name].parameters)), values),
            max_size=3,
        ).map(tuple)
        if CATALOG[name].parameters
        else st.just(()),
    )
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
        ("remove_nodes)", "expected the name of a transform at place 13"),
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
