# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What cannot be compiled, and how that is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tfnative.errors import CompileError

TENSORS = ("input", "output")
"""In the place of an op where a signature's tensor is what is wrong."""
_MOST_LISTED = 50


@dataclass(frozen=True)
class Offender:
    """A node that cannot be compiled.

    Attributes:
        node: Its name; in a function as "function/node".
        name: Its name in the graph or the function.
        op: Its op.
        reason: What is wrong.
        place: Where in the user's code it was made, or "".
        movable: Whether TensorFlow could run it before compiled code: it has no state
            and no effect.
        changes_state: Whether it changes a variable or draws random numbers, and does
            no more.
    """

    node: str
    name: str
    op: str
    reason: str
    place: str
    movable: bool = True
    changes_state: bool = False

    def __str__(self) -> str:
        where = f" at {self.place}" if self.place else ""
        return f"  {self.node} ({self.op}){where}: {self.reason}"


def refuse(signature: str, offenders: Sequence[Offender], advice: str = "") -> None:
    """Refuses a signature because of what is in it; does nothing if that is nothing.

    Args:
        signature: Its name.
        offenders: What is in it.
        advice: What else is to be said.

    Raises:
        CompileError: There are offenders. Lists them.
    """
    if not offenders:
        return
    lines = [str(offender) for offender in offenders[:_MOST_LISTED]]
    if len(offenders) > _MOST_LISTED:
        lines.append(f"  and {len(offenders) - _MOST_LISTED} more")
    lines += [advice] if advice else []
    count = f"{len(offenders)} nodes" if len(offenders) > 1 else "1 node"
    raise CompileError(
        f"signature {signature!r} cannot be compiled because of {count}:\n"
        + "\n".join(lines),
        ops=[offender.op for offender in offenders if offender.op not in TENSORS],
    )
