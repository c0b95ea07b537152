# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Manifests are read strictly and written reproducibly."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings

from tests.python.conftest import manifest
from tests.python.strategies import json_values, manifests
from tfnative.errors import LoadError
from tfnative.manifest import Manifest


@given(manifests)
def test_what_is_written_is_read_again(expected: Manifest) -> None:
    text = expected.to_json()
    assert Manifest.from_json(text) == expected
    assert Manifest.from_json(text).to_json() == text


def every_place(value, place=()):
    """Paths to all values inside of a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield (*place, key)
        if isinstance(inner, dict | list):
            yield from every_place(inner, (*place, key))


def changed(place, change):
    content = json.loads(json.dumps(manifest()))
    target = content
    for key in place[:-1]:
        target = target[key]
    change(target, place[-1])
    return json.dumps(content)


PRECISION = {
    "asked": "int8-weights",
    "layers": [
        {
            "node": "dense/MatMul",
            "op": "MatMul",
            "shape": [64, 32],
            "stored": "int8",
            "signal_to_noise": 48.1,
            "reason": "",
            "computed": "float32",
        }
    ],
    "outputs": [
        {
            "output": "y",
            "rows": 16,
            "signal_to_noise": 40.5,
            "cosine": 0.999,
            "same_top": 1.0,
        }
    ],
}


@pytest.mark.parametrize("place", list(every_place(PRECISION)), ids=str)
def test_a_precision_of_another_kind_is_refused_by_name(place) -> None:
    content = json.loads(json.dumps({**manifest()}))
    content["signatures"]["affine"]["precision"] = json.loads(json.dumps(PRECISION))
    assert Manifest.from_json(json.dumps(content)).signatures["affine"].precision
    target = content["signatures"]["affine"]["precision"]
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = {"other": None}
    with pytest.raises(LoadError, match=r"signatures\['affine'\]\.precision"):
        Manifest.from_json(json.dumps(content))


@pytest.mark.parametrize("place", list(every_place(manifest())), ids=str)
def test_a_value_of_another_kind_is_refused_by_name(place) -> None:
    def change(target, key):
        target[key] = {"other": None} if target[key] != {"other": None} else None

    with pytest.raises(LoadError, match="manifest"):
        Manifest.from_json(changed(place, change))


def test_a_missing_field_is_named() -> None:
    def remove(target, key):
        del target[key]

    with pytest.raises(LoadError, match=r"manifest.weights_bytes is missing"):
        Manifest.from_json(changed(("weights_bytes",), remove))


def test_options_of_other_versions_are_read_and_none_are_none() -> None:
    assert Manifest.from_json(json.dumps(manifest())).options == {}
    asked = {"batch_sizes": [1, 8], "not_yet_known": {"x": 1}}
    content = json.dumps({**manifest(), "options": asked})
    assert Manifest.from_json(content).options == asked
    with pytest.raises(LoadError, match=r"manifest.options: .* is not an object"):
        Manifest.from_json(json.dumps({**manifest(), "options": ["x"]}))


def test_a_later_format_is_refused() -> None:
    with pytest.raises(LoadError, match="format 2, expected 1"):
        Manifest.from_json(json.dumps({**manifest(), "format": 2}))


@given(json_values)
@settings(max_examples=200)
def test_no_json_makes_anything_but_a_load_error(value) -> None:
    with pytest.raises(LoadError):
        Manifest.from_json(json.dumps(value))


@pytest.mark.parametrize("text", ["", "{", "[" * 100000, "\0", "nul"])
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(LoadError):
        Manifest.from_json(text)
