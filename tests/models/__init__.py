# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Real models for tests: ``ZOO`` by name, exported by ``ModelCase.export``."""

from __future__ import annotations

import os

from tests.models import (
    applications,
    graphdef,
    keras2,
    keras3,
    modules,
    refused,
    tf1,
    wheel,
)
from tests.models.case import ModelCase, large_ones_slow

_FILES = (keras3, modules, keras2, tf1, graphdef, applications, wheel, refused)

ZOO: dict[str, ModelCase] = {case.name: case for file in _FILES for case in file.CASES}

ALL_COMPILED = [case for case in ZOO.values() if "refused" not in case.tags]
# They take a minute each, and have layers that MobileNetV2 and others have, too.
LEFT_OUT = frozenset({"efficientnet_b0", "resnet50"})
if os.environ.get("TFNATIVE_ALL_MODELS", "") == "1":
    LEFT_OUT = frozenset()
COMPILED = [case for case in ALL_COMPILED if case.name not in LEFT_OUT]
"""What the tests compile: all but what is left to ``make test-models``."""

__all__ = [
    "ALL_COMPILED",
    "COMPILED",
    "LEFT_OUT",
    "ZOO",
    "ModelCase",
    "large_ones_slow",
]
