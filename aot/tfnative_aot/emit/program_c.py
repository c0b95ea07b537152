# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The C of the programs of one CPU level: a header and a source.

The header declares each variant's function and how much memory it needs, for the
artifact's tables. A function is a straight list of calls of XLA's kernels and ours.
The macros that it is written in (TFN_CALL, IN, OUT, CONST, TEMP) stand in
cpp/kernels/program.h.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from tfnative_aot.emit.names import NAMES_HEADER, run_function
from tfnative_aot.emit.step_table import step_lines
from tfnative_aot.emit.steps import emit_step
from tfnative_aot.emit.steps.body import Body
from tfnative_aot.emit.steps.scratch import thread_bytes
from tfnative_aot.emit.weights import WeightPool
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import Kernel, Sort
from tfnative_aot.program.traverse import walk


@dataclass(frozen=True)
class ProgramSource:
    """The C of all programs of a CPU level: a header, and what includes it."""

    header: str
    source: str


def emit_programs(
    programs: Sequence[Program],
    weights: WeightPool,
    header_name: str,
    *,
    has_steps: bool = True,
) -> ProgramSource:
    """The header and the source with the functions of the given programs.

    Args:
        programs: Of one CPU level.
        weights: Their constants.
        header_name: What the source includes.
        has_steps: Whether their steps can be listed when they run.
    """
    emitters = [_Emitter(program, weights, has_steps) for program in programs]
    for emitter in emitters:
        emitter.run()
    return ProgramSource(
        header=f'#include "{NAMES_HEADER}"\n#include "program.h"\n\n'
        + "\n".join(e.header() for e in emitters),
        source=f'#include "{header_name}"\n\n'
        + "\n".join(e.function() for e in emitters),
    )


class _Emitter:
    """Writes one program."""

    def __init__(self, program: Program, weights: WeightPool, has_steps: bool) -> None:
        self._program = program
        self._has_steps = has_steps
        self._body = Body(program, weights, emit_step)

    def run(self) -> None:
        self._body.sequence(self._program.steps, 1)
        self._copy_outputs()

    def header(self) -> str:
        name = run_function(self._program)
        temp_bytes = self._program.temp_bytes
        return "\n".join(
            [
                self._scratch_union(name),
                f"#define {name}_workspace_bytes \\",
                f"  ({temp_bytes}u + TFN_ALIGNED(sizeof(union {name}_scratch)))",
                f"#define {name}_thread_bytes \\",
                f"  TFN_ALIGNED(sizeof(union {name}_scratch))",
                f"_Static_assert({name}_thread_bytes ==",
                f"  (sizeof(void*) == 8 ? {thread_bytes(self._program, 8)}u :",
                f'   {thread_bytes(self._program, 4)}u), "scratch");',
                f"#define {name}_step_count {self._body.step_number}",
                f"extern const char {name}_steps[] TFN_HIDDEN;",
                f"int32_t {name}(const void* const*, void* const*, void*,",
                "    const tfn_context*) TFN_HIDDEN;",
                "",
            ]
        )

    def function(self) -> str:
        key, temp_bytes = self._program.key, self._program.temp_bytes
        name = run_function(self._program)
        return "\n".join(
            [
                *self._declarations(),
                "",
                *self._step_table(),
                "",
                f"/* Signature {key.signature}, batch size {key.batch_size}. */",
                f"static int32_t {name}_all(const void* const* in, "
                "void* const* out, void* workspace,",
                "    const tfn_context* context) {",
                "  TFN_FIND_WEIGHTS;",
                f"  char* const scratch = (char*)workspace + {temp_bytes};",
                "  (void)in, (void)out, (void)scratch;",
                *self._body.lines,
                "  TFN_STEP(0);",
                *self._find_failure(),
                "}",
                "",
                f"int32_t {name}(const void* const* in, void* const* out, "
                "void* workspace,",
                "    const tfn_context* context) {",
                "  const uint64_t mode = tfn_flush_denormals();",
                f"  const int32_t failed = {name}_all(in, out, workspace, context);",
                "  tfn_set_float_mode(mode);",
                "  return failed;",
                "}",
                "",
            ]
        )

    def _declarations(self) -> list[str]:
        kernels: dict[str, str] = {}
        for step in walk(self._program.steps):
            if isinstance(step, Kernel):
                kernels[step.symbol] = "tfn_xla_kernel"
            elif isinstance(step, Sort):
                kernels[step.comparator] = "tfn_comparator"
        return [f"extern {kind} {symbol};" for symbol, kind in kernels.items()]

    def _step_table(self) -> list[str]:
        if not self._has_steps:
            return []
        lines = step_lines(self._program) or [""]
        text = [f'    {json.dumps(line)[:-1]}\\n"' for line in lines]
        return [f"const char {run_function(self._program)}_steps[] =", *text, "    ;"]

    def _scratch_union(self, name: str) -> str:
        """As large as the most that one step needs."""
        sizes = dict.fromkeys(self._body.scratch)
        members = [f"  char at_{i}[1 + {size}];" for i, size in enumerate(sizes)]
        body = "\n".join(members or ["  char none;"])
        return f"union {name}_scratch {{\n{body}\n}};"

    def _find_failure(self) -> list[str]:
        """The end of a run: what it returns."""
        values = self._program.check_values
        if not values:
            return ["  return 0;"]
        words = self._body.pointer(self._program.output_slices[-1])
        numbers = ", ".join(map(str, values))
        return [
            f"  static const int32_t check_values[] = {{{numbers}}};",
            f"  return tfn_find_failure({words}, check_values,",
            f"                          {len(values)}, context);",
        ]

    def _copy_outputs(self) -> None:
        for position, place in enumerate(self._program.caller_slices):
            allocation = self._program.allocations[place.allocation]
            if (allocation.kind, allocation.position) != ("output", position):
                source = self._body.pointer(place)
                self._body.line(1, f"memcpy(out[{position}], {source}, {place.size});")
