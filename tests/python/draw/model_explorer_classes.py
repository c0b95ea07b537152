# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Reads what Model Explorer is given as its own package declares it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from typing import Any

import pytest

Read = Callable[[str, str], Any]


def model_explorer_classes() -> Read:
    """Reads JSON as one of the package's classes, which has to know every field.

    The package has no reader of its own in Python: the viewer's page reads the files.
    Skips the test, with the reason, where the package is not installed. It is none of
    the tests' requirements, since it needs half a gigabyte.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of what it imports.
        pytest.importorskip(
            "model_explorer", reason="needs the package ai-edge-model-explorer"
        )
        dacite = pytest.importorskip("dacite", reason="needs the package dacite")
        from model_explorer import graph_builder, node_data_builder

    classes = {**vars(graph_builder), **vars(node_data_builder)}

    def read(name: str, text: str) -> Any:
        return dacite.from_dict(
            classes[name], json.loads(text), dacite.Config(strict=True)
        )

    return read
