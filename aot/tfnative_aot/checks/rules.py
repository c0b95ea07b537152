# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which ops are checked, and how.

A rule looks at a node of a graph and gives what there is to check of it, as tensors
that it adds to that graph; nothing, if what is known of the node's inputs proves that
TensorFlow never raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tfnative_aot.checks import (
    arithmetic,
    detection,
    indices,
    linear_algebra,
    ranges,
    slices,
)
from tfnative_aot.checks.assertions import assertion
from tfnative_aot.checks.facts import Facts
from tfnative_aot.checks.finding import Finding

Rule = Callable[[Any, Facts], list[Finding]]

RULES: Mapping[str, Rule] = {
    "Assert": assertion,
    **indices.RULES,
    **slices.RULES,
    **arithmetic.RULES,
    **detection.RULES,
    **linear_algebra.RULES,
    **ranges.RULES,
}
"""By op. docs/fidelity.md has the same table; a test compares them."""
