# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is asked of a model goes to the signature that is meant, or to none."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

import tfnative

for package in ("grpc", "starlette", "uvicorn"):
    pytest.importorskip(package, reason=f"needs {package}")

from tfnative.serving.server.service import Service  # noqa: E402
from tfnative.serving.types import ModelSpec  # noqa: E402

DEFAULT = "serving_default"


class Named(tfnative.Model):
    """Has signatures, and says what it was asked to infer."""

    path = "named"
    backend = "native"

    def __init__(self, *names: str) -> None:
        self._signatures = {
            name: tfnative.Signature(name, {}, {}, (1,), True) for name in names
        }

    @property
    def name(self) -> str:
        return "named"

    @property
    def signatures(self) -> Any:
        return self._signatures

    def _find_signature(self, name: str | None) -> str:
        if name is None and len(self._signatures) > 1:
            raise tfnative.InvalidArgumentError("there are several")
        return name or next(iter(self._signatures))

    def predict(self, *_: Any, **__: Any) -> Any:
        raise AssertionError

    def multi_inference(self, examples: Any, tasks: Any) -> Any:
        return {"examples": examples, "tasks": tasks}


def service_of(executor: ThreadPoolExecutor, *names: str) -> Service:
    model = Named(*names)
    served: Any = SimpleNamespace(
        store=SimpleNamespace(on_change=lambda _: lambda: None),
        find=lambda _: (3, model),
        batched=lambda _, found: found,
    )
    return Service({"m": served, "other": served}, executor)


@pytest.fixture
def executor():
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.mark.parametrize(
    ("names", "asked", "expected"),
    [
        ((DEFAULT, "b"), None, DEFAULT),
        ((DEFAULT, "b"), "b", "b"),
        ((DEFAULT, "b"), DEFAULT, DEFAULT),
        (("b",), None, "b"),
        (("b",), "b", "b"),
    ],
)
def test_the_signature_is_the_one_named_or_the_default_or_the_only_one(
    executor, names, asked, expected
):
    service = service_of(executor, *names)
    assert service.signature(ModelSpec("m", signature=asked)).name == expected


@pytest.mark.parametrize(
    ("names", "asked", "match"),
    [
        (("a", "b"), None, "several"),
        (("a", "b"), "c", r'"c" not found .* has a, b'),
        (("a",), DEFAULT, f'"{DEFAULT}" not found .* has a'),
    ],
)
def test_a_signature_that_there_is_not_is_refused(executor, names, asked, match):
    service = service_of(executor, *names)
    with pytest.raises(tfnative.InvalidArgumentError, match=match):
        service.signature(ModelSpec("m", signature=asked))


def test_the_same_examples_go_to_several_signatures(executor):
    service = service_of(executor, DEFAULT, "b")
    tasks: Any = [
        (ModelSpec("m"), "classify"),
        (ModelSpec("m", signature="b"), "regress"),
    ]
    spec, found = asyncio.run(service.multi_inference(tasks, "examples"))
    assert spec == ModelSpec("m", 3)
    assert found == {
        "examples": "examples",
        "tasks": {DEFAULT: "classify", "b": "regress"},
    }


@pytest.mark.parametrize(
    ("specs", "match"),
    [
        ([], "at least one task"),
        ([ModelSpec("m"), ModelSpec("other")], "same model"),
        ([ModelSpec("m"), ModelSpec("m", 2, signature="b")], "same model"),
        ([ModelSpec("m"), ModelSpec("m", signature=DEFAULT)], "Duplicate"),
        ([ModelSpec("m", signature="b")] * 2, "Duplicate"),
        ([ModelSpec("m"), ModelSpec("m", signature="b")], ""),
    ],
)
def test_tasks_name_one_model_and_each_signature_once(executor, specs, match):
    asked = service_of(executor, DEFAULT, "b").multi_inference(
        [(spec, "classify") for spec in specs], "examples"
    )
    if not match:
        assert asyncio.run(asked)
        return
    with pytest.raises(tfnative.InvalidArgumentError, match=match):
        asyncio.run(asked)
