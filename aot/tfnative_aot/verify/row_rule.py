# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Decides what may be done with the rows of a signature."""

from __future__ import annotations

from tfnative.errors import CompileError
from tfnative_aot.artifact.describe import RowRule
from tfnative_aot.rows.verdict import Verdict
from tfnative_aot.verify.row_trials import find_dependence
from tfnative_aot.verify.samples import Sampler


def row_rule(verdict: Verdict, sampler: Sampler, declared: bool) -> RowRule:
    """What follows from a verdict, with trials in TensorFlow where it is not known.

    Raises:
        CompileError: The user declares independent what is not.
    """
    graph = sampler.graph
    if verdict.kind == "none":
        return RowRule("dependent")
    if not sampler.head_keeps_rows():
        verdict = Verdict("dependent", "what TensorFlow runs first mixes rows")
    if not sampler.tail_keeps_rows():
        verdict = Verdict("dependent", "what TensorFlow runs last mixes rows")
    if verdict.kind == "proved":
        return RowRule("proved")
    reason = verdict.reason
    if verdict.kind == "unknown":
        seen = find_dependence(sampler.compiled)
        if not seen:
            return RowRule("declared" if declared else "tried", reason)
        reason = f"{reason}; in TensorFlow, {seen}"
    if declared:
        raise CompileError(
            f"signature {graph.signature!r}: rows are not independent, as "
            f"--rows-independent says: {reason}"
        )
    return RowRule("dependent", reason)
