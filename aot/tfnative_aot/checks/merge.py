# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Makes one computation of several checks of indices.

A model with many embeddings has as many checks, and each would be some small kernels.
Those that follow each other and have as many elements each are looked at together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import tensorflow as tf

from tfnative_aot.checks.facts import Facts
from tfnative_aot.checks.finding import Span
from tfnative_aot.checks.scope import Words

_LAST_INT32 = 2**31 - 1
_MOST_STEPS = 8


def merged(parts: Sequence[Words], facts: Facts) -> list[Words]:
    """The same words, of fewer computations; not twice what always fails together."""
    result: list[Words] = []
    for kind, run in groupby(_different(parts), lambda part: _kind(part, facts)):
        some = list(run)
        result += some if kind is None or len(some) == 1 else [_together(some)]
    return result


def _different(parts: Sequence[Words]) -> Iterator[Words]:
    expressions = _Expressions()
    seen: set[tuple[str, int]] = set()
    for part in parts:
        if part.span is not None:
            key = expressions.of(part.span.checked), part.span.limit
            if key in seen:
                continue
            seen.add(key)
        yield part


def _kind(part: Words, facts: Facts) -> tuple[Any, ...] | None:
    """What parts have in common that can be looked at together."""
    if part.span is None:
        return None
    sizes = facts.sizes(part.span.checked)
    if sizes is None:
        return None
    return part.span.checked.dtype, *_count(sizes)


def _count(sizes: Sequence[int]) -> tuple[int, int]:
    """A number of elements: a factor, and how often the batch size is one."""
    factor, batches = 1, 0
    for size in sizes:
        factor *= abs(size)
        batches += size < 0
    return factor, batches


def _together(parts: Sequence[Words]) -> Words:
    spans: list[Span] = [part.span for part in parts if part.span is not None]
    dtype = spans[0].checked.dtype
    rows = tf.stack([tf.reshape(span.checked, [-1]) for span in spans])
    count = tf.shape(rows)[1]
    limits = tf.constant([[span.limit] for span in spans], dtype)
    bad = (rows >= limits) | (rows < 0)
    found = tf.reduce_min(tf.where(bad, tf.range(count), _LAST_INT32), 1)
    positions = tf.where(found < _LAST_INT32, found, -1)
    places = tf.range(len(spans)) * count + tf.maximum(positions, 0)
    values = tf.gather(tf.reshape(rows, [-1]), places)
    pairs = tf.stack([tf.cast(positions, tf.int64), tf.cast(values, tf.int64)], 1)
    checks = tuple(check for part in parts for check in part.checks)
    return Words(tf.reshape(pairs, [-1]), checks)


class _Expressions:
    """Tells how tensors are computed: texts, the same for the same computations."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], str] = {}

    def of(self, tensor: Any, steps: int = _MOST_STEPS) -> str:
        key = str(tensor.name), steps
        if key not in self._known:
            self._known[key] = self._find(tensor, steps)
        return self._known[key]

    def _find(self, tensor: Any, steps: int) -> str:
        op = tensor.op
        if steps == 0 or (not op.inputs and op.type != "Const"):
            return str(tensor.name)
        digest = hashlib.sha256(f"{op.type}:{tensor.value_index}".encode())
        for name, value in sorted(op.node_def.attr.items()):
            if not name.startswith("_"):
                digest.update(name.encode())
                digest.update(value.SerializeToString(deterministic=True))
        for source in op.inputs:
            digest.update(self.of(source, steps - 1).encode())
        return digest.hexdigest()
