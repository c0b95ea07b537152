# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the steps of a program refer to steps and inputs that there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tfnative._manifest.program import DAMAGED, Flow, ProgramRecord, StepRecord
from tfnative.errors import LoadError

_BLOCKS_OF_LOOPS = 2


def check_references(programs: Iterable[ProgramRecord]) -> None:
    """Refuses programs that could not be drawn: arrows and frames would lead nowhere.

    Raises:
        LoadError: A number is none of a step or an input; the message names the step.
    """
    for program in programs:
        for where, what in _dangling(program):
            rows = f" of {program.batch_size} rows" if program.batch_size else ""
            raise LoadError(
                f"program.json, signature {program.signature!r}{rows}, {where}: "
                f"there is no {what}. {DAMAGED}"
            )


def _dangling(program: ProgramRecord) -> Iterator[tuple[str, str]]:
    for number, step in enumerate(program.steps):
        where = f"step {number}"
        if not -1 <= step.parent < number:
            yield where, f"loop or branch {step.parent} before it"
        elif not _has_block(program, step):
            yield where, f"sequence {step.block} in step {step.parent}"
        yield from ((where, what) for what in _missing(program, step.reads))
    for name, flow in program.outputs:
        yield from ((f"output {name!r}", what) for what in _missing(program, [flow]))


def _has_block(program: ProgramRecord, step: StepRecord) -> bool:
    is_in_a_loop = step.parent >= 0 and program.steps[step.parent].kind == "while"
    return step.block >= 0 and not (is_in_a_loop and step.block >= _BLOCKS_OF_LOOPS)


def _missing(program: ProgramRecord, flows: Iterable[Flow]) -> Iterator[str]:
    least, most = -len(program.inputs), len(program.steps)
    for flow in flows:
        for source in (*flow.sources, *flow.carried):
            if not least <= source < most:
                yield f"step {source}" if source >= 0 else f"input {-1 - source}"
