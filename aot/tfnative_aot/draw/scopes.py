# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Chooses which name scopes of a large graph are drawn as one box each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

MOST_BOXES = 200


def scopes_of(name: str) -> Iterator[str]:
    """The scopes that a name is in, the outermost first: "a", "a/b" of "a/b/c"."""
    parts = name.split("/")[:-1]
    for count in range(1, len(parts) + 1):
        yield "/".join(parts[:count])


def folded_scopes(names: Iterable[str], most: int = MOST_BOXES) -> frozenset[str]:
    """The scopes to fold so that no more than so many boxes are left, if that can be.

    Scopes are unfolded from the outside, small ones first, as long as there is room.
    """
    inside: defaultdict[str, set[str]] = defaultdict(set)
    nodes: defaultdict[str, int] = defaultdict(int)
    count = 0
    for name in names:
        count += 1
        outer = ""
        for scope in scopes_of(name):
            inside[outer].add(scope)
            outer = scope
        nodes[outer] += 1
    if count <= most:
        return frozenset()
    boxes = nodes[""] + len(inside[""])
    folded = set(inside[""])
    while True:
        fitting = [
            (scope.count("/"), nodes[scope] + len(inside[scope]), scope)
            for scope in folded
            if boxes - 1 + nodes[scope] + len(inside[scope]) <= most
        ]
        if not fitting:
            return frozenset(folded)
        _, more, scope = min(fitting)
        folded.remove(scope)
        folded |= inside[scope]
        boxes += more - 1
