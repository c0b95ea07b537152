# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Real models for tests: ``ZOO`` by name, exported by ``ModelCase.export``."""

from __future__ import annotations

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

__all__ = ["ZOO", "ModelCase", "large_ones_slow"]
