# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Gives TensorFlow's results for NaN, infinities, zeros with a sign, and overflow.

XLA's ops agree with TensorFlow's kernels on ordinary numbers, and not on all others:
its ArgMax takes NaN for the largest, where TensorFlow passes over it. Each rule says
what computes what TensorFlow computes, for one op.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfnative_aot.freeze.rewrites import (
    activations,
    bounded,
    casts,
    colours,
    crops,
    cross,
    divisions,
    elimination,
    extremes,
    fake_quantization,
    gamma,
    gradients,
    half_up,
    integers,
    means,
    orders,
    patches,
    pooling,
    quantiles,
    response,
    triangular,
    zeros,
)
from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor
from tfnative_aot.freeze.rewrites.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

RULES: Mapping[str, Rule] = {
    **activations.RULES,
    **bounded.RULES,
    **casts.RULES,
    **colours.RULES,
    **crops.RULES,
    **cross.RULES,
    **divisions.RULES,
    **elimination.RULES,
    **extremes.RULES,
    **fake_quantization.RULES,
    **gamma.RULES,
    **gradients.RULES,
    **half_up.RULES,
    **integers.RULES,
    **means.RULES,
    **orders.RULES,
    **patches.RULES,
    **pooling.RULES,
    **quantiles.RULES,
    **response.RULES,
    **triangular.RULES,
    **zeros.RULES,
}


def keep_odd_values(editor: GraphEditor) -> None:
    """Replaces the ops that have a rule, of a graph or a body."""
    for node in editor.nodes(*RULES):
        found = RULES[node.op](node)
        if found is not None:
            editor.replace(node, found.function, found.specs)
