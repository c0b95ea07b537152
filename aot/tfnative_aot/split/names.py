# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Names that callers can read, for tensors to which no user gave one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping


def readable_names(
    tensors: Iterable[str], taken: Iterable[str], wanted: Mapping[str, str]
) -> dict[str, str]:
    """Tensors by their new names, which are those of their nodes where they can be.

    Args:
        tensors: Their names in the graph.
        taken: Names that no tensor may have.
        wanted: What to call some of them.
    """
    used = set(taken)
    names: dict[str, str] = {}
    for tensor in sorted(tensors):
        node, _, index = tensor.partition(":")
        base = re.sub(r"\W+", "_", node.rpartition("/")[2])
        base = wanted.get(tensor, base if index == "0" else f"{base}_{index}")
        name, count = base, 1
        while name in used:
            name, count = f"{base}_{count}", count + 1
        used.add(name)
        names[name] = tensor
    return names
