# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What load can be asked for."""

from __future__ import annotations

import argparse
import dataclasses
import inspect
from typing import Any, get_args

import pytest

import tfnative
from tfnative import LoadOptions
from tfnative._backends.auto.arguments import compile_options
from tfnative._backends.auto.request import Request
from tfnative._backends.options import (
    COMPILED,
    COMPILING,
    SAVED_MODELS,
    TENSORFLOW,
    AutoKeywords,
    LoadKeywords,
    NativeKeywords,
    TensorflowKeywords,
)
from tfnative._backends.tensorflow.model import TensorflowModel
from tfnative._base.options.declare import options_of
from tfnative._cli.common import add_backend, load_options
from tfnative._compile.options import CompileOptions

OPTIONS = {each.name: each for each in options_of(LoadOptions)}


def written(keywords: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in reversed(keywords.__mro__ if hasattr(keywords, "__mro__") else ()):
        found |= getattr(each, "__annotations__", {})
    return {n: of.__forward_arg__ for n, of in found.items()}


def test_those_who_check_types_see_the_same_options():
    assert written(LoadKeywords) == {n: each.annotation for n, each in OPTIONS.items()}


@pytest.mark.parametrize(
    ("keywords", "groups"),
    [
        (NativeKeywords, {COMPILED}),
        (TensorflowKeywords, {TENSORFLOW, SAVED_MODELS}),
        (AutoKeywords, {COMPILED, COMPILING, TENSORFLOW, SAVED_MODELS}),
    ],
    ids=["native", "tensorflow", "auto"],
)
def test_each_backend_takes_the_options_that_are_for_it(keywords, groups):
    expected = {n for n, each in OPTIONS.items() if each.group in groups}
    assert set(written(keywords)) == expected


def test_the_signature_and_the_docstring_show_them():
    parameters = inspect.signature(tfnative.load).parameters
    assert list(parameters) == ["path", *OPTIONS, "options"]
    text = inspect.getdoc(tfnative.load) or ""
    for name, each in OPTIONS.items():
        assert parameters[name].default == each.default
        assert f"\n    {name}: " in text


def test_tensorflow_has_a_keyword_for_each_that_is_for_it():
    known = inspect.signature(TensorflowModel.__init__).parameters
    for name, each in OPTIONS.items():
        assert (name in known) == (each.group in (TENSORFLOW, SAVED_MODELS)), name


def test_what_is_for_compiling_reaches_the_compiler(tmp_path):
    values: dict[str, Any] = {
        "signatures": ("a",),
        "batch_sizes": (2, 4),
        "shapes": {"x": (-1, 3)},
        "constants": {"n": 2},
        "rtol": 1e-3,
    }
    assert values.keys() == {n for n, e in OPTIONS.items() if e.group == COMPILING}
    asked = compile_options(Request(tmp_path, LoadOptions(**values)))
    assert {name: getattr(asked, name) for name in values} == values
    for name in values:
        of_load, of_compile = LoadOptions, CompileOptions
        assert name in {f.name for f in dataclasses.fields(of_load)}
        assert name in {f.name for f in dataclasses.fields(of_compile)}


def test_options_and_keywords_are_loaded_alike(fake):
    pool = tfnative.ThreadPool(2)
    options = LoadOptions(cpu_level="generic", threads=pool)
    for model in (
        tfnative.load(fake, cpu_level="generic", threads=pool),
        tfnative.load(fake, options=options),
        tfnative.load(fake, options=options, backend="auto"),
        tfnative.load(fake, options=dataclasses.replace(options, threads=5), threads=2),
    ):
        with model:
            assert (model.backend, model.threads) == ("native", 2)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"threads": 0}, "threads must be a whole number in 1 to 1024 or a ThreadPool"),
        ({"threads": True}, "threads must be"),
        ({"cpu_level": 3}, r"cpu_level must be a str or None, got 3 \(--cpu of"),
        ({"backend": "fast"}, "backend must be 'native', 'tensorflow' or 'auto'"),
        ({"device": 0}, "device must be a str"),
        ({"xla": "yes"}, "xla must be True or False or None, got 'yes'$"),
        ({"options": {}}, r"options must be tfnative\.LoadOptions or None, got {}"),
    ],
    ids=str,
)
def test_wrong_options_are_refused_even_before_the_model_is_missed(options, problem):
    with pytest.raises(tfnative.InvalidArgumentError, match=problem):
        tfnative.load("missing", **options)


def test_flags_are_the_options():
    parser = argparse.ArgumentParser()
    add_backend(parser, "threads")
    words = "--backend auto --device cpu --cpu x86-64-v2 --threads 2"
    assert load_options(parser.parse_args(words.split())) == LoadOptions(
        backend="auto", device="cpu", cpu_level="x86-64-v2", threads=2
    )
    assert load_options(parser.parse_args([])) == LoadOptions()


def test_every_backend_is_a_choice():
    from tfnative._backends.options import Backend

    assert set(get_args(Backend)) == {"native", "tensorflow", "auto"}
    for backend in get_args(Backend):
        assert LoadOptions(backend=backend).backend == backend
