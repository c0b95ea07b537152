# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which nodes are in the loops and branches that TensorFlow 1 wrote."""

from __future__ import annotations

from typing import Any

_ENTERS = frozenset({"Enter", "RefEnter"})
_SWITCHES = frozenset({"Switch", "RefSwitch"})
_MERGES = frozenset({"Merge", "RefMerge"})
_EXITS = frozenset({"Exit", "RefExit"})


def inside_old_control_flow(graph: Any) -> frozenset[str]:
    """Names of the nodes that may run never, or several times."""
    depths: dict[str, int] = {}
    for op in graph.get_operations():
        sources = [tensor.op for tensor in op.inputs] + list(op.control_inputs)
        # The way back into a loop is not known yet, and as deep as the way in.
        depth = max((depths.get(source.name, 0) for source in sources), default=0)
        if op.type in _ENTERS or (op.type in _SWITCHES and not _ends_loop(op)):
            depth += 1
        elif op.type in _EXITS or (op.type in _MERGES and not _begins_loop(op)):
            depth = max(depth - 1, 0)
        depths[op.name] = depth
    return frozenset(name for name, depth in depths.items() if depth > 0)


def _begins_loop(merge: Any) -> bool:
    return any(tensor.op.type in _ENTERS for tensor in merge.inputs)


def _ends_loop(switch: Any) -> bool:
    return bool(switch.inputs[1].op.type == "LoopCond")
