# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Of one declaration come checks, flags, JSON, docstrings and tables."""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from tfnative._base.options.declare import option
from tfnative._base.options.document import (
    markdown_table,
    shows_options,
    takes_options,
)
from tfnative._base.options.flags import add_flags, given_flags
from tfnative._base.options.kinds import (
    Choice,
    Names,
    Number,
    Switch,
    Text,
    Whole,
    Wholes,
)
from tfnative._base.options.option_set import OptionSet, combine
from tfnative.errors import InvalidArgumentError


@shows_options
@dataclass(frozen=True, kw_only=True)
class Tea(OptionSet):
    """How to make tea."""

    leaves: str | None = option(None, Text("SORT"), "what to brew", default_is="green")
    minutes: float = option(3.0, Number(), "how long to wait", unit="minutes")
    cups: int = option(1, Whole(1, 6), "how many | how few")
    pours: Sequence[int] = option((1,), Wholes(least=0), "litres per pour")
    extras: Sequence[str] = option((), Names("EXTRA"), "what goes in, 100% pure")
    names: Sequence[str] | None = option(
        None, Names("NAME", one_each=True), "for whom", flag="--for"
    )
    size: str = option("small", Choice("small", "big"), "of the cup", group="cups")
    hot: bool = option(True, Switch(), "heat it")
    iced: bool | None = option(None, Switch(), "cool it", default_is="in summer")
    sweet: bool = option(False, Switch(), "add sugar")
    secret: bool = option(False, Switch(), "tell nobody", flag="")


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"leaves": 3}, r"leaves must be a str or None, got 3 \(--leaves of"),
        ({"leaves": b"x"}, "leaves must be a str"),
        ({"minutes": -1}, "minutes must be a finite number from 0 on, got -1"),
        ({"minutes": float("nan")}, "minutes must be"),
        ({"minutes": float("inf")}, "minutes must be"),
        ({"minutes": "3"}, "minutes must be .*, got '3'"),
        ({"minutes": True}, "minutes must be"),
        ({"minutes": None}, "minutes must be a finite number from 0 on, got None"),
        ({"cups": 0}, "cups must be a whole number in 1 to 6, got 0"),
        ({"cups": 7}, "cups must be"),
        ({"cups": 1.0}, "cups must be"),
        ({"cups": True}, "cups must be"),
        ({"pours": []}, "pours must be whole numbers from 0 to 2147483647, got \\[\\]"),
        ({"pours": 3}, "pours must be"),
        ({"pours": [-1]}, "pours must be"),
        ({"pours": "12"}, "pours must be"),
        ({"extras": "milk"}, "extras must be a list of names, got 'milk'"),
        ({"extras": [1]}, "extras must be"),
        ({"names": 1}, "names must be a list of names or None, got 1 .--for of"),
        ({"size": "huge"}, "size must be 'small' or 'big', got 'huge'"),
        ({"size": 3}, "size must be"),
        ({"hot": 1}, "hot must be True or False, got 1"),
        ({"iced": "no"}, "iced must be True or False or None"),
        ({"secret": 1}, "got 1$"),
    ],
    ids=str,
)
def test_what_is_not_of_the_kind_is_refused_by_name(values, problem):
    with pytest.raises(InvalidArgumentError, match=problem):
        Tea(**values)


def test_long_values_are_cut_short_in_messages():
    with pytest.raises(InvalidArgumentError) as caught:
        Tea(leaves=["x" * 10_000])
    assert len(str(caught.value)) < 400


def test_values_are_kept_in_one_form_that_nobody_changes():
    pours = [1, 2]
    tea = Tea(pours=pours, extras=["milk"], minutes=4, cups=np.int64(2))
    pours.append(3)
    assert tea == Tea(pours=np.array([1, 2]), extras=("milk",), minutes=4.0, cups=2)
    assert (tea.pours, tea.extras, type(tea.minutes)) == ((1, 2), ("milk",), float)
    with pytest.raises(dataclasses.FrozenInstanceError):
        tea.cups = 3  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(tea)) == tea


def test_what_was_given_is_what_differs_from_the_defaults():
    assert Tea().given() == {}
    assert Tea(cups=1, hot=True, extras=[]).given() == {}
    tea = Tea(size="big", cups=2, iced=False)
    assert list(tea.given().items()) == [("cups", 2), ("size", "big"), ("iced", False)]
    assert tea.given("cups") == {"size": "big"}
    assert tea.record() == tea.given()
    assert Tea(pours=[2]).record() == {"pours": [2]}


@pytest.mark.parametrize(
    "tea", [Tea(), Tea(leaves="oolong", pours=[2, 3], names=["a,b"], iced=False)]
)
def test_json_gives_the_same_options_again(tea):
    assert Tea.from_json(tea.to_json()) == tea
    assert Tea.from_json(tea.record()) == tea


def test_json_with_other_options_is_refused():
    with pytest.raises(InvalidArgumentError, match="unknown options: coffee, milk"):
        Tea.from_json({"milk": 1, "coffee": 2, "cups": 3})
    with pytest.raises(InvalidArgumentError, match="cups must be"):
        Tea.from_json({"cups": "3"})


def test_keywords_replace_what_they_name_in_options():
    tea = Tea(cups=2, hot=False)
    assert combine(Tea, tea, {"cups": 3}, "brew") == Tea(cups=3, hot=False)
    assert combine(Tea, tea, {}, "brew") == tea
    assert combine(Tea, None, {"cups": 3}, "brew") == Tea(cups=3)
    assert tea.cups == 2
    with pytest.raises(TypeError, match=r"brew\(\) got an unexpected .*'coffee'"):
        combine(Tea, tea, {"coffee": 1}, "brew")
    with pytest.raises(InvalidArgumentError, match=r"options must be tfnative\.Tea"):
        combine(Tea, {"cups": 3}, {}, "brew")  # type: ignore[arg-type]


def parse(*arguments: str, only: Any = None) -> Tea:
    parser = argparse.ArgumentParser()
    add_flags(parser, Tea, only)
    return Tea(**given_flags(Tea, parser.parse_args(arguments)))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", {}),
        (
            "--leaves oolong --minutes 4 --cups 2",
            dict(leaves="oolong", minutes=4, cups=2),
        ),
        ("--pours 1,2 --pours 3", dict(pours=[3])),
        ("--extras milk,lemon --extras rum", dict(extras=["milk", "lemon", "rum"])),
        ("--for a,b --for c", dict(names=["a,b", "c"])),
        ("--size big --sweet", dict(size="big", sweet=True)),
        ("--no-hot --no-iced", dict(hot=False, iced=False)),
        ("--hot --iced", dict(iced=True)),
    ],
)
def test_flags_are_the_options(arguments, expected):
    assert parse(*arguments.split()) == Tea(**expected)


@pytest.mark.parametrize(
    "arguments",
    ["--pours 1,x", "--cups x", "--size huge", "--secret", "--no-sweet", "--minutes x"],
)
def test_flags_that_are_none_are_an_error_of_usage(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        parse(*arguments.split())
    assert ended.value.code == 2


def test_a_command_may_have_some_of_the_flags(capsys):
    assert parse("--cups", "2", only=("cups",)) == Tea(cups=2)
    with pytest.raises(SystemExit):
        parse("--size", "big", only=("cups",))


def test_help_has_the_meaning_the_unit_and_the_default(capsys):
    with pytest.raises(SystemExit):
        parse("--help")
    shown = " ".join(capsys.readouterr().out.split())
    assert "--leaves SORT what to brew (default: green)" in shown
    assert "--minutes X how long to wait, in minutes (default: 3.0)" in shown
    assert "what goes in, 100% pure; it may be given several times" in shown
    assert "--hot, --no-hot heat it (default: yes)" in shown
    assert "--sweet add sugar" in shown
    assert "secret" not in shown


@takes_options(Tea)
def brew(kettle: str, *, options: Tea | None = None, **keywords: Any) -> Tea:
    """Makes tea.

    Args:
        kettle: Which.
        **keywords: The fields of
            ``Tea``.
        options: All of those.

    Returns:
        Tea.
    """
    return combine(Tea, options, keywords, "brew")


def test_functions_show_all_options_with_their_defaults():
    parameters = inspect.signature(brew).parameters
    fields = [field.name for field in dataclasses.fields(Tea)]
    assert list(parameters) == ["kettle", *fields, "options"]
    for field in dataclasses.fields(Tea):
        assert parameters[field.name].default == field.default
        assert parameters[field.name].annotation == field.type
    text = inspect.getdoc(brew) or ""
    assert "    minutes: How long to wait, in minutes. Default: 3.0.\n" in text
    assert "    options: All of those.\n\nReturns:" in text
    assert "keywords" not in text
    assert brew("black", cups=2) == Tea(cups=2)


def test_the_class_shows_them_too():
    text = inspect.getdoc(Tea) or ""
    assert text.startswith("How to make tea.\n\nAttributes:\n    leaves: What to brew.")
    assert all(f"    {field.name}: " in text for field in dataclasses.fields(Tea))


def test_the_table_has_a_row_for_each():
    header, _, *rows = markdown_table(Tea).splitlines()
    assert header == "| keyword | for | flag | default | what it does |"
    assert len(rows) == len(dataclasses.fields(Tea))
    assert rows[0] == "| `leaves` |  | `--leaves` | green | what to brew |"
    assert rows[2] == r"| `cups` |  | `--cups` | 1 | how many \| how few |"
    assert rows[6] == "| `size` | cups | `--size` | small | of the cup |"
