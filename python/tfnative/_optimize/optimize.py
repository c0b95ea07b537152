# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Optimizes a model in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfnative._base.options.document import takes_options
from tfnative._base.options.option_set import combine
from tfnative._base.text import checked_path
from tfnative._compile import door
from tfnative._compile.boundary import check_process, check_progress, typed_errors
from tfnative._optimize.options import OptimizeOptions

if TYPE_CHECKING:
    import os

    from typing_extensions import Unpack

    from tfnative._optimize.options import OptimizeKeywords
    from tfnative._optimize.results import Optimized


@takes_options(OptimizeOptions)
def optimize(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    options: OptimizeOptions | None = None,
    progress: Any = None,
    **keywords: Unpack[OptimizeKeywords],
) -> Optimized:
    """Makes a TensorFlow model smaller and faster, and compares it at every step.

    What comes out is a TensorFlow model with the same signatures, for TensorFlow,
    TensorFlow Serving, ``load`` and ``compile``. A step that breaks the model is left
    out, and says so.

    Args:
        model: A SavedModel's folder, of any age, or a file with a frozen GraphDef.
        output: The folder, or file, to write. What ``optimize`` has written there
            before is replaced once the new one is complete.
        **keywords: The fields of ``OptimizeOptions``.
        options: All of those in one value; keywords beside it replace what they name.
        progress: Shows how far it is; see tfnative_aot.progress. Default: silent.

    Returns:
        What was written, with the size, time and error of every step.

    Raises:
        InvalidArgumentError: An option is not of its kind, or does not fit the model;
            or there is something at ``output`` that ``optimize`` did not write.
        NotFoundError: There is no such model, signature or file.
        CompileError: TensorFlow cannot run the model, or cannot make constants of its
            variables; with ``strict``, a step breaks it.
        FailedPreconditionError: TensorFlow is not installed, or was imported before
            this process was forked.
        ResourceExhaustedError: The memory or a disk is full.

    Takes a few seconds for a small model. Starts a process of its own for the Graph
    Transform Tool, which ends with the call. One call at a time in a process.
    """
    asked = combine(OptimizeOptions, options, keywords, "optimize")
    source, target = checked_path("model", model), checked_path("output", output)
    check_progress(progress)
    door.require("tfnative_aot", "tensorflow")
    check_process()
    with typed_errors("optimize"):
        return door.optimize(source, target, asked, progress)
