# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The mutants of a Python source, by mutmut.

Only what mutmut changes is taken from it, and not how it runs tests. It puts all
mutants into one process that has imported the code, and forks it for each. These tests
start servers and compilers in processes of their own, have threads and gRPC, which do
not outlive a fork, and test two packages as they are installed, one of which has a
compiled module.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterator
from pathlib import Path

import libcst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.file_mutation import Mutation, MutationVisitor
from mutmut.mutation.mutators import mutation_operators, operator_assignment
from mutmut.mutation.pragma_handling import IgnoredCode

from tests.mutants.draw import Change
from tests.mutants.mutant import ROOT, Mutant

TYPES_REFUSE = {operator_assignment}
"""These put None in the place of a value: mypy refuses that, and needs no test."""
OPERATORS = [
    (node, operator)
    for node, operator in mutation_operators
    if node is not libcst.BaseString and operator not in TYPES_REFUSE
]


def python_changes(path: Path) -> Iterator[Change]:
    """Gives mutmut's changes, but none of texts and none that types refuse."""
    text = path.read_text()
    name = path.relative_to(ROOT).as_posix()
    wrapper = MetadataWrapper(libcst.parse_module(text))
    visitor = MutationVisitor(OPERATORS, IgnoredCode(set(), set(), set()))
    wrapper.visit(visitor)
    positions = wrapper.resolve(PositionProvider)
    for mutation in visitor.mutations:
        if isinstance(mutation.original_node, libcst.Call) and not _lacks_keyword(
            mutation.original_node, mutation.mutated_node
        ):
            continue
        line = positions[mutation.original_node].start.line
        make = functools.partial(_mutant, name, text, wrapper.module, mutation)
        yield Change(name, line, make)


def _lacks_keyword(old: libcst.Call, new: libcst.CSTNode) -> bool:
    """Whether a call has lost an argument that is named, and may have a default."""
    calls = libcst.ensure_type(new, libcst.Call)
    lost = [argument for argument in old.args if argument not in calls.args]
    same_function = old.func is calls.func
    return not same_function or (
        len(calls.args) < len(old.args) and all(each.keyword for each in lost)
    )


def _mutant(
    name: str, text: str, module: libcst.Module, mutation: Mutation
) -> Mutant | None:
    changed = module.deep_replace(mutation.original_node, mutation.mutated_node)
    code = libcst.ensure_type(changed, libcst.Module).code
    return _difference(name, text, code)


def _difference(name: str, old: str, new: str) -> Mutant | None:
    """The lines from the first to the last that differ; None if none does."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    changes = [code for code in matcher.get_opcodes() if code[0] != "equal"]
    if not changes:
        return None
    (_, begin, _, new_begin, _), (_, _, end, _, new_end) = changes[0], changes[-1]
    return Mutant(
        name, begin + 1, "".join(before[begin:end]), "".join(after[new_begin:new_end])
    )
