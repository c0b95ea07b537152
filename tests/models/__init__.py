# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Real models for tests: ``ZOO`` by name, exported by ``ModelCase.export``."""

from __future__ import annotations

from tests.models import applications, keras3
from tests.models.case import ModelCase

ZOO: dict[str, ModelCase] = {
    case.name: case for case in [*keras3.CASES, *applications.CASES]
}

__all__ = ["ZOO", "ModelCase"]
