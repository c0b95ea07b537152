# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Compiles in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfnative._base.options.document import takes_options
from tfnative._base.options.option_set import combine
from tfnative._base.text import checked_path
from tfnative._compile import door
from tfnative._compile.boundary import (
    check_process,
    check_progress,
    typed_errors,
)
from tfnative._compile.options import CompileOptions

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from typing_extensions import Unpack

    from tfnative._compile.options import CompileKeywords


@takes_options(CompileOptions)
def compile(  # noqa: A001 - as re.compile
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    options: CompileOptions | None = None,
    progress: Any = None,
    **keywords: Unpack[CompileKeywords],
) -> Path:
    """Compiles a model into an artifact, and compares it with TensorFlow.

    If only the first or the last ops of a model cannot be compiled, as lookups of words
    or of labels, TensorFlow runs these, and has to be there where the artifact is
    loaded; ``Model.backend`` says so.

    Args:
        model: A SavedModel's folder, of any age, or a file with a frozen GraphDef.
        output: The artifact's folder. An artifact that is there is replaced once the
            new one is complete.
        **keywords: The fields of ``CompileOptions``.
        options: All of those in one value; keywords beside it replace what they name.
        progress: Shows how far it is; see tfnative_aot.progress. Default: silent.

    Returns:
        The artifact's folder.

    Raises:
        InvalidArgumentError: An option is not of its kind, or does not fit the model.
        NotFoundError: There is no such model or signature.
        CompileError: The model cannot be compiled, or the result is not exact enough.
        FailedPreconditionError: TensorFlow is not installed, or was imported before
            this process was forked.
        ResourceExhaustedError: The memory or a disk is full.

    Takes 3 to 6 seconds for a small model, minutes for a large one; the first time on a
    machine, about 15 seconds more. Starts processes
    and threads of its own, which end with the call.
    """
    asked = combine(CompileOptions, options, keywords, "compile")
    source, folder = checked_path("model", model), checked_path("output", output)
    check_progress(progress)
    door.require("tfnative_aot", "tensorflow")
    check_process()
    with typed_errors():
        return door.compile(source, folder, asked, progress)
