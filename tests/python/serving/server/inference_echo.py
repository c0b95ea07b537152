# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A server whose model gives back tensors of any type, and who asks it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

import tfnative
from tests.python.serving.server.conftest import Running
from tests.python.serving.server.odd_models import Odd
from tfnative._store.versions import AllVersions
from tfnative.serving.server.config import ModelSettings
from tfnative.serving.server.inference_tensors import DATATYPES, dtype_of, to_raw
from tfnative.serving.server.models import OpenOptions
from tfnative.serving.server.server import ServerOptions

INFER = "/v2/models/affine/infer"
LENGTH = "Inference-Header-Content-Length"


class EchoAll(Odd):
    """Gives back what it gets: a tensor of each type, by its signature's name."""

    def __init__(self) -> None:
        super().__init__(AssertionError())
        self.signatures_ = {
            name: _echoing(name, dtype_of(name), None) for name in DATATYPES
        }
        self.signatures_["complex"] = _echoing("complex", np.dtype("c8"), None)
        rows = _echoing("serving_default", np.dtype("f4"), (-1, 2))
        self.signatures_["serving_default"] = rows
        self.signatures_["rows"] = _echoing("rows", np.dtype("f4"), (-1, 2))

    @property
    def signatures(self) -> Any:
        return self.signatures_

    def predict(self, inputs: Any, **options: Any) -> Any:
        return {"y": inputs["x"], "z": inputs["x"]}


def _echoing(name: str, dtype: Any, shape: Any) -> tfnative.Signature:
    specs = [
        {each: tfnative.TensorSpec(each, dtype, shape) for each in names}
        for names in ("x", "yz")
    ]
    return tfnative.Signature(name, *specs, (), True)


@contextmanager
def echoing(versions: Any) -> Iterator[Running]:
    """A server with that model."""
    affine = ModelSettings("affine", str(versions), AllVersions(), {"stable": 1})
    options = ServerOptions("localhost", 0, 0, models=OpenOptions(None))
    running = Running({"affine": affine}, options)
    model = EchoAll()
    running.server.service.models["affine"].find = lambda spec: (1, model)
    yield running
    running.stop()


def described(x: Any, datatype: str, **others: Any) -> dict[str, Any]:
    """An input without its elements."""
    return {"name": "x", "datatype": datatype, "shape": list(x.shape), **others}


def binary_body(
    x: Any, datatype: str, **others: Any
) -> tuple[bytes, Mapping[str, str]]:
    """A body with bytes, and its headers."""
    raw = bytes(to_raw(x))
    given = described(x, datatype, parameters={"binary_data_size": len(raw)})
    parameters = {"signature_name": datatype, "binary_data_output": True}
    body = {"inputs": [given], "parameters": parameters, **others}
    head = json.dumps(body).encode()
    return head + raw, {LENGTH: str(len(head))}


def read_binary(content: bytes, headers: Mapping[str, str]) -> dict[str, bytes]:
    """The bytes of each output of an answer."""
    at = int(headers[LENGTH])
    found = {}
    for output in json.loads(content[:at])["outputs"]:
        size = output["parameters"]["binary_data_size"]
        found[output["name"]] = content[at : at + size]
        at += size
    assert at == len(content)
    return found
