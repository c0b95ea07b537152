# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Skips tests that draw where nothing draws, and says so."""

from __future__ import annotations

import importlib.util
import shutil

import pytest

needs_dot = pytest.mark.skipif(
    shutil.which("dot") is None,
    reason="needs Graphviz's dot (apt-get install graphviz)",
)
needs_jinja = pytest.mark.skipif(
    importlib.util.find_spec("jinja2") is None, reason='needs "tfnative[draw]"'
)
