# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Compiles in this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from tfnative._compile import door

if TYPE_CHECKING:
    import os
    from pathlib import Path


def compile(  # noqa: A001 - as re.compile
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    name: str | None = None,
    signatures: Sequence[str] | None = None,
    batch_sizes: Sequence[int] = (1,),
    shapes: Mapping[str, Sequence[int]] | None = None,
    target: str | None = None,
    cpus: Sequence[str] | None = None,
    tags: Sequence[str] = ("serve",),
    golden: str | os.PathLike[str] | Mapping[str, object] | None = None,
    rtol: float | None = None,
    static: bool | None = None,
    winograd: bool = True,
    weights: Literal["inside", "separate"] = "inside",
    minimal: bool = False,
    sources: bool = False,
    inputs: Mapping[str, str] | Sequence[str] | None = None,
    outputs: Mapping[str, str] | Sequence[str] | None = None,
    progress: Any = None,
) -> Path:
    """Compiles a model into an artifact, and compares it with TensorFlow.

    If only the first ops of a model cannot be compiled, as lookups of words, TensorFlow
    runs these, and has to be there where the artifact is loaded; ``Model.backend`` says
    so.

    Args:
        model: A SavedModel's folder, of any age, or a file with a frozen GraphDef.
        output: The artifact's folder. An artifact that is there is replaced once the
            new one is complete.
        name: Name of the artifact, part of its C symbols. Default: the folder's.
        signatures: Names of the signatures. Default: "serving_default" if the model
            has it, else all.
        batch_sizes: Numbers of rows to compile for. Any number can be predicted: it is
            split and padded into these.
        shapes: Shapes of inputs where the model leaves more open than the batch, as
            {"audio": (-1, 16000, 1)}; -1 is the batch.
        target: What to compile for, as "linux-aarch64", or a triple;
            ``tfnative.targets`` lists them. Default: this machine.
        cpus: CPU levels: of "x86-64-v2", "x86-64-v3", "x86-64-v4", or "native" for the
            best one of this machine; or CPUs by the compilers' names for them, as
            "cortex-a76+dotprod". Default: all levels of the target.
        tags: Which graph of the SavedModel.
        golden: Inputs to compare on beside generated ones, and to keep in the
            artifact: arrays by input name, or a .npz file with them.
        rtol: Largest error allowed, relative to an output's largest value. Default:
            1e-5 for float32, 1e-10 for float64, 1e-2 for float16, 5e-2 for bfloat16.
        static: Make libNAME.a as well, which holds a second copy of the weights.
            Default: for other machines than this one.
        winograd: Compute 3 x 3 convolutions by Winograd's algorithm where that is
            faster. Their weights take four times as much space, and results differ by
            a few units in the last place.
        weights: "separate" writes them to NAME.weights, which a program maps or loads,
            and lends to the library with NAME_bind_weights. ``load`` does so itself.
        minimal: Leave out what predicting does not need: the manifest in the library,
            names, golden vectors. ``load`` needs them; the functions of NAME.h do not.
        sources: Write ``sources/`` as well, to build the libraries elsewhere with
            CMake. That is all there is if no compiler for the target is found.
        inputs: For a GraphDef: input names to tensors, as {"image": "x:0"}, or tensors.
        outputs: Likewise.
        progress: Shows how far it is; see tfnative_aot.progress. Default: silent.

    Returns:
        The artifact's folder.

    Raises:
        InvalidArgumentError: An argument does not fit the model.
        NotFoundError: There is no such model or signature.
        CompileError: The model cannot be compiled, or the result is not exact enough.
        FailedPreconditionError: TensorFlow is not installed.

    Takes 5 to 12 seconds for a small model, minutes for a large one. Starts processes
    and threads of its own, which end with the call.
    """
    door.require("tfnative_aot", "tensorflow")
    return door.compile(
        model,
        output,
        name=name,
        signatures=signatures,
        batch_sizes=batch_sizes,
        shapes=shapes,
        target=target,
        cpus=cpus,
        tags=tags,
        golden=golden,
        rtol=rtol,
        static=static,
        winograd=winograd,
        weights=weights,
        minimal=minimal,
        sources=sources,
        inputs=inputs,
        outputs=outputs,
        progress=progress,
    )
