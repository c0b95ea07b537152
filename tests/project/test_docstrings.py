# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Docstrings of what is public describe the parameters that there are, and all."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest

import tfnative
import tfnative.cache
from tfnative.serving.base_client import BaseClient

# Whose parameters are described, if a class passes them on.
PASSES_TO = {
    "serving.Client": BaseClient,
    "serving.AsyncClient": BaseClient,
}
# The class's docstring describes its method predict, too, which C++ defines.
BESIDES = {"Batcher": {"inputs", "timeout"}}
_SECTION = re.compile(r"^Args:\n(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


def documented() -> Iterator[tuple[str, Any]]:
    """Functions and classes, with the functions of the classes."""
    modules = {"": tfnative, "serving.": tfnative.serving, "cache.": tfnative.cache}
    for prefix, module in modules.items():
        for name in module.__all__:
            found = getattr(module, name)
            if inspect.isfunction(found):
                yield prefix + name, found
            if inspect.isclass(found) and found.__module__.startswith("tfnative."):
                yield prefix + name, found
                for method, function in vars(found).items():
                    if inspect.isfunction(function) and not method.startswith("_"):
                        yield f"{prefix}{name}.{method}", function


ALL = dict(documented())


def described(function: Any) -> list[str]:
    own = vars(function).get("__init__") if inspect.isclass(function) else None
    texts = [
        inspect.cleandoc(found.__doc__ or "") for found in (function, own) if found
    ]
    sections = _SECTION.findall("\n".join(texts))
    return re.findall(r"^    (\*{0,2}\w+):", "\n".join(sections), re.M)


def parameters(function: Any) -> set[str]:
    found = inspect.signature(function).parameters
    return {name for name in found if name not in ("self", "cls")}


@pytest.mark.parametrize("name", [n for n in ALL if described(ALL[n])])
def test_parameters_that_are_described_are_those_of_the_signature(name: str):
    function = ALL[name]
    known = parameters(PASSES_TO.get(name, function)) | BESIDES.get(name, set())
    assert {word.lstrip("*") for word in described(function)} == known


def test_everything_public_says_what_it_is():
    silent = [name for name, found in ALL.items() if not inspect.getdoc(found)]
    assert silent == []


def test_no_docstring_promises_seconds_that_nobody_measured():
    assert "3 to 6 seconds" in (tfnative.compile.__doc__ or "")
