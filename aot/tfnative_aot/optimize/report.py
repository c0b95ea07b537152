# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Draws a model on its way through the transforms, for the report."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING

from tfnative._base.output_file import file_to_replace, require_folder, write_whole
from tfnative._base.output_places import check_places
from tfnative._optimize.report import ReportStep, check_report, to_html
from tfnative_aot.draw.changes import Ends, draw_changes, draw_whole
from tfnative_aot.optimize.changed_weights import changed_weights
from tfnative_aot.optimize.room import room_for_report

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from tfnative._optimize.results import OptimizeNote, OptimizeStep
    from tfnative._optimize.transforms import Transform
    from tfnative_aot.optimize.graph import WholeGraph
    from tfnative_aot.optimize.write import Written

_MOST_WEIGHTS = 12
_FOLDS = ("fold_batch_norms", "fold_old_batch_norms")
_FREEZE = (
    "Variables become constants, functions take the place of their calls, and what no "
    "output needs is dropped."
)


class Recorder:
    """Keeps what a report shows of each step, and no graph."""

    def __init__(self, graph: WholeGraph, first: OptimizeStep, title: str) -> None:
        """Begins with the frozen graph."""
        self._title = title
        self._ends = _ends(graph)
        picture = draw_whole(graph.graph_def, self._ends, "the graph")
        self._steps = [ReportStep(first, _FREEZE, (picture,))]

    def note(
        self,
        step: Transform,
        before: WholeGraph,
        after: WholeGraph,
        done: OptimizeStep,
    ) -> None:
        """Draws what a step did."""
        old, new = before.graph_def, after.graph_def
        if new is old:
            self._steps.append(ReportStep(done, step.kind.meaning))
            return
        pictures = draw_changes(
            old, new, self._ends, folds_batch_norms=step.name in _FOLDS
        )
        weights, more_weights = changed_weights(old, new, _MOST_WEIGHTS)
        self._steps.append(
            ReportStep(
                done,
                step.kind.meaning,
                pictures or (),
                weights,
                more_weights,
            )
        )

    def page(self, notes: Sequence[OptimizeNote]) -> str:
        """The report, as HTML."""
        return to_html(self._title, self._steps, notes)


def check_place(report: str | os.PathLike[str], model: Path, output: Path) -> None:
    """Checks before the work what a report needs, and where it is to be.

    Raises:
        FailedPreconditionError: Jinja2 or Graphviz is not installed.
        InvalidArgumentError: It cannot be written there, or is a part of the model or
            of what is written.
    """
    check_report()
    check_places([("output", output), ("report (--report)", report)], [model])
    require_folder(report)


def write_with_report(
    page: bytes, report: Path, output: Path, write_model: Callable[[], Written]
) -> Written:
    """Writes a report and the model, or neither of the two.

    Args:
        page: The report.
        report: Where it is to be.
        output: Where the model is to be.
        write_model: Writes that.

    Raises:
        ResourceExhaustedError: A disk is full; names it.
        CompileError: The report cannot be written.
    """
    written: list[Written] = []

    def both(file: IO[bytes]) -> None:
        file.write(page)
        file.flush()
        written.append(write_model())

    def model_now() -> str:
        return f"{output} is {'written' if written else 'as it was before'}"

    with room_for_report(report, model_now):
        if file_to_replace(report) is not None:
            write_whole(report, both)
            return written[0]
        # From a pipe or a device, nothing could be taken back: it comes first.
        write_whole(report, lambda file: file.write(page))
    return write_model()


def _ends(graph: WholeGraph) -> Ends:
    """The tensors by name, with that of their signature if there are several."""
    inputs, outputs = {}, {}
    for ends in graph.ends:
        prefix = f"{ends.signature.name}: " if len(graph.ends) > 1 else ""
        inputs.update({f"{prefix}{n}": t for n, t in ends.inputs.items()})
        outputs.update({f"{prefix}{n}": t for n, t in ends.outputs.items()})
    return Ends(inputs, outputs)
