# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""program.json: what was written is read, and what is damaged is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from tests.python.draw.drawn import loop_program, with_memory
from tfnative._draw.compiled import draw_program
from tfnative._draw.dot import to_dot
from tfnative._manifest.memory import LiveValue, MemoryRecord
from tfnative._manifest.program import (
    Array,
    Flow,
    Node,
    ProgramRecord,
    StepRecord,
    from_json,
    to_json,
)
from tfnative._manifest.program_references import check_references
from tfnative.errors import LoadError

NUMBERS = st.integers(-3, 2**40)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NODES = st.builds(Node, NAMES, NAMES)
ARRAYS = st.builds(Array, NAMES, NUMBERS)
SOURCES = st.lists(NUMBERS, max_size=3).map(tuple)
FLOWS = st.builds(Flow, SOURCES, NAMES, NUMBERS, SOURCES)


def tuples_of(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(strategy, max_size=3).map(tuple)


STEPS = st.builds(
    StepRecord,
    *(NAMES, NAMES, st.none() | NODES, tuples_of(NODES), NUMBERS, NUMBERS, NUMBERS),
    *(tuples_of(FLOWS), tuples_of(ARRAYS), tuples_of(ARRAYS)),
)


@st.composite
def memories(draw: st.DrawFn, steps: int) -> MemoryRecord:
    """A workspace of a program with so many steps."""
    size = draw(st.integers(0, 2**40))
    values = []
    for _ in range(draw(st.integers(0, 3))):
        low, high = sorted(draw(st.integers(0, size)) for _ in range(2))
        first, last = sorted(draw(st.integers(0, steps)) for _ in range(2))
        writer, shape = draw(NUMBERS), draw(NAMES)
        values.append(LiveValue(low, high - low, first, last, writer, shape))
    return MemoryRecord(size, draw(NAMES), draw(NUMBERS), draw(NUMBERS), tuple(values))


@st.composite
def programs(draw: st.DrawFn) -> ProgramRecord:
    steps = draw(tuples_of(STEPS))
    return ProgramRecord(
        signature=draw(NAMES),
        batch_size=draw(NUMBERS),
        inputs=draw(tuples_of(st.tuples(NAMES, ARRAYS))),
        outputs=draw(tuples_of(st.tuples(NAMES, FLOWS))),
        steps=steps,
        memory=draw(st.none() | memories(len(steps))),
    )


@given(tuples_of(programs()))
def test_what_is_written_is_read(programs: tuple[ProgramRecord, ...]):
    assert from_json(to_json(programs)) == programs


@given(st.data())
def test_damaged_files_are_refused_with_a_load_error(data: st.DataObject):
    content = json.loads(to_json((with_memory(loop_program()),)))
    places: list[tuple[list | dict, int | str]] = []

    def walk(value: object) -> None:
        keys = value.keys() if isinstance(value, dict) else range(len(value))
        for key in keys:
            places.append((value, key))
            if isinstance(value[key], list | dict):
                walk(value[key])

    walk(content)
    where, key = data.draw(st.sampled_from(places))
    where[key] = data.draw(st.sampled_from([None, 1.5, True, {}, [[[]]], 10**9, "x"]))
    try:
        programs = from_json(json.dumps(content))
        check_references(programs)
    except LoadError as error:
        assert str(error).startswith("program.json")  # noqa: PT017 - either is right
        assert "ompile the model again" in str(error)  # noqa: PT017
        assert "manifest" not in str(error)  # noqa: PT017
        return
    for program in programs:  # What is not refused can be drawn.
        assert to_dot(draw_program(program, "net"))


@pytest.mark.parametrize(
    "value",
    [
        (-64, 64, 0, 1, 0, ""),
        (0, 65, 0, 1, 0, ""),
        (0, -1, 0, 1, 0, ""),
        (0, 64, 1, 0, 0, ""),
        (0, 64, -1, 0, 0, ""),
        (0, 64, 0, 6, 0, ""),
    ],
)
def test_values_outside_of_the_workspace_or_the_program_are_refused(value: tuple):
    memory = MemoryRecord(64, "xla", 64, 64, (LiveValue(*value),))
    program = replace(loop_program(), memory=memory)
    with pytest.raises(LoadError, match="no value of the workspace"):
        from_json(to_json((program,)))


def test_programs_of_older_versions_say_nothing_of_memory():
    (program,) = from_json(to_json((loop_program(),)))
    assert program.memory is None


@pytest.mark.parametrize("text", ["", "[", "[]", "{}", '{"format": 2}', "[" * 100_000])
def test_what_is_none_is_refused(text: str):
    with pytest.raises(LoadError, match="program"):
        from_json(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not JSON"),
        ("{}", r"program\.json\.format is missing"),
        ('{"format": 1, "nodes": []}', r"program\.json\.programs is missing"),
        ('{"format": 1, "nodes": [[1, "x"]]}', r"nodes\[0\]\[0\]: 1 is not a text"),
    ],
)
def test_what_is_damaged_is_to_be_copied_or_compiled_again(text: str, said: str):
    with pytest.raises(LoadError, match=said) as caught:
        from_json(text)
    advice = "It is damaged: copy the artifact once more, or compile the model again"
    assert str(caught.value).startswith("program.json")
    assert str(caught.value).endswith(f". {advice}")


def test_what_another_version_wrote_is_not_called_damaged():
    with pytest.raises(LoadError, match=r"has format 2, expected 1.* again$") as caught:
        from_json('{"format": 2}')
    assert "damaged" not in str(caught.value)


@pytest.mark.parametrize(
    ("step", "change", "said"),
    [
        (0, {"reads": (Flow((-2,), "", 1),)}, "step 0: there is no input 1"),
        (4, {"reads": (Flow((0, 5), "", 1),)}, "step 4: there is no step 5"),
        (2, {"reads": (Flow((), "", 1, (9,)),)}, "step 2: there is no step 9"),
        (2, {"parent": 2}, "step 2: there is no loop or branch 2 before it"),
        (2, {"parent": -2}, "step 2: there is no loop or branch -2 before it"),
        (3, {"block": 2}, "step 3: there is no sequence 2 in step 1"),
        (3, {"block": -1}, "step 3: there is no sequence -1 in step 1"),
    ],
)
def test_steps_that_refer_to_nothing_are_refused(step: int, change: dict, said: str):
    program = loop_program()
    check_references([program])
    steps = list(program.steps)
    steps[step] = replace(steps[step], **change)
    with pytest.raises(LoadError, match=said):
        check_references([program, replace(program, steps=tuple(steps))])
    outputs = (("y", Flow((7,), "", 1)),)
    with pytest.raises(LoadError, match="output 'y': there is no step 7"):
        check_references([replace(program, outputs=outputs)])
