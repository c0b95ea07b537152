# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The pictures of XLA's programs: of all, or of what is fused into one kernel."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tfnative._draw.families import family_of_op
from tfnative._draw.graph import DrawnGraph, Line
from tfnative_aot import adapters
from tfnative_aot.draw.layout import lay_out
from tfnative_aot.draw.shown import Ref, ShownGraph, ShownNode, Weight, listed
from tfnative_aot.program.decode.module import Module
from tfnative_aot.program.memory import DTYPE_BYTES

_MOST_PARTS = 6
_TELLING = ("convolution", "dot", "reduce-window", "reduce", "sort", "gather")
"""What a fusion is known by, if it has it."""


_ROLES = {"call": ("body",), "while": ("body", "condition")}


@dataclass(frozen=True)
class Part:
    """A computation that a program's instruction runs, and what to call it."""

    name: str
    computation: str


def fusions(module: Any) -> Iterator[Part]:
    """What is fused in a program, each once."""
    computations = Module.read(module).computations
    for computation in module.computations:
        for each in computation.instructions:
            if each.opcode == "fusion":
                called = computations[each.called_computation_ids[0]]
                yield Part(each.name, called.name)


def bodies(module: Any) -> Iterator[Part]:
    """What the loops and branches of a program run, those inside of others as well."""
    computations = Module.read(module).computations
    for computation in module.computations:
        for each in computation.instructions:
            if each.opcode != "conditional" and each.opcode not in _ROLES:
                continue
            branches = (f"branch_{n}" for n in range(len(each.called_computation_ids)))
            roles = _ROLES.get(each.opcode, branches)
            for role, called in zip(roles, each.called_computation_ids, strict=False):
                yield Part(f"{each.name}_{role}", computations[called].name)


def draw_entry(module: Any, title: str) -> DrawnGraph:
    """Draws the computation that a program begins with."""
    found = Module.read(module)
    return _draw(found, found.computations[module.entry_id], title)


def draw_computation(module: Any, name: str, title: str) -> DrawnGraph:
    """Draws a computation of a program."""
    found = Module.read(module)
    return _draw(found, next(c for c in module.computations if c.name == name), title)


def _draw(module: Module, computation: Any, title: str) -> DrawnGraph:
    constants = {i.id for i in computation.instructions if _is_constant(module, i)}
    shown = {
        i.name: _shown(module, i, constants)
        for i in computation.instructions
        if i.id not in constants or i.id == computation.root_id
    }
    root = module.by_id[computation.root_id]
    inputs = {
        i.name: f"parameter {i.parameter_number}"
        for i in computation.instructions
        if i.opcode == "parameter"
    }
    count = len(computation.instructions)
    return lay_out(
        ShownGraph(
            id=title,
            title=title,
            note=f"{count} instructions, of which {len(constants)} constants",
            nodes=shown,
            inputs=inputs,
            outputs={"result": Ref(root.name, 0)},
        )
    )


def _is_constant(module: Module, instruction: Any) -> bool:
    """Whether it is a constant, in whatever shape: XLA says so in several steps."""
    if instruction.opcode == "constant":
        return True
    return instruction.opcode in ("bitcast", "broadcast", "reshape") and all(
        module.by_id[i].opcode == "constant" for i in instruction.operand_ids
    )


def _shown(module: Module, instruction: Any, constants: set[int]) -> ShownNode:
    name = instruction.metadata.op_name.rpartition(";")[2]
    scope = name.rpartition("/")[0]
    operands = [module.by_id[i] for i in instruction.operand_ids]
    lines, family = [], family_of_op(instruction.opcode)
    shape = _text(instruction.shape)
    if instruction.opcode != "parameter":
        lines.append(Line(shape))
    if instruction.opcode == "fusion":
        called = module.computations[instruction.called_computation_ids[0]]
        counts = Counter(i.opcode for i in called.instructions)
        del counts["parameter"]
        texts = [o if n == 1 else f"{n} {o}" for o, n in counts.most_common()]
        lines.append(Line(f"fused: {listed(texts, _MOST_PARTS)}"))
        telling = next((op for op in _TELLING if op in counts), "add")
        family = family_of_op(telling)
    return ShownNode(
        name=f"{scope}/{instruction.name}" if scope else instruction.name,
        op=instruction.opcode,
        family=family,
        inputs=tuple(Ref(o.name, 0) for o in operands if o.id not in constants),
        weights=tuple(_weight(o) for o in operands if o.id in constants),
        shapes=(shape,),
        lines=tuple(lines),
        details={
            "TensorFlow op": instruction.metadata.op_type,
            "TensorFlow name": name,
        },
    )


def _weight(instruction: Any) -> Weight:
    shape = instruction.shape
    element = DTYPE_BYTES.get(_dtype(shape), 0)
    size = math.prod(shape.dimensions) * element
    return Weight(instruction.name, _text(shape), size)


def _text(shape: Any) -> str:
    if shape.tuple_shapes:
        return f"({', '.join(map(_text, shape.tuple_shapes))})"
    return f"{_dtype(shape)}[{','.join(map(str, shape.dimensions))}]"


def _dtype(shape: Any) -> str:
    """Of whatever type: what an artifact cannot have is drawn as well."""
    names: dict[int, str] = adapters.xla().DTYPES
    return names.get(shape.element_type, f"type {shape.element_type}")
