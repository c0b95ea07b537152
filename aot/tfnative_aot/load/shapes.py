# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Input shapes: what the model leaves open, and what the user says about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tfnative.errors import InvalidArgumentError
from tfnative_aot.load.source import BATCH, Signature, TensorSpec

Shape = tuple[int, ...]


def format_shape(shape: Sequence[int | None]) -> str:
    """As ``--shape`` takes it; "?" for the batch and for unknown sizes."""
    return ",".join("?" if size in (None, BATCH) else str(size) for size in shape)


def resolve_shapes(
    signature: Signature, shapes: Mapping[str, Sequence[int]] | None
) -> dict[str, Shape]:
    """Gives every input of a signature a shape that is fixed but for the batch.

    Args:
        signature: The signature.
        shapes: What the user says, by input name. It may narrow what the model
            says down, and may make a fixed leading size the batch.

    Raises:
        InvalidArgumentError: A size stays unknown, or ``shapes`` contradicts the
            model. The message has the flag to pass.
    """
    shapes = shapes or {}
    names = {spec.name for spec in signature.inputs}
    unknown = sorted(shapes.keys() - names)
    if unknown:
        raise InvalidArgumentError(
            f"--shape is given for {', '.join(map(repr, unknown))}, but signature "
            f"{signature.name!r} has the inputs {', '.join(map(repr, sorted(names)))}"
        )
    resolved: dict[str, Shape] = {}
    open_inputs = []
    for spec in signature.inputs:
        if spec.name in shapes:
            resolved[spec.name] = _narrow(signature, spec, tuple(shapes[spec.name]))
        elif spec.shape is None and spec.dtype == "string":
            # Messages, as TensorFlow Serving passes them: no other rank parses.
            resolved[spec.name] = (BATCH,)
        elif spec.shape is None or None in spec.shape[1:]:
            open_inputs.append(spec)
        else:
            resolved[spec.name] = tuple(BATCH if s is None else s for s in spec.shape)
    if open_inputs:
        raise InvalidArgumentError(_which_flags(signature, open_inputs))
    return resolved


def _narrow(signature: Signature, spec: TensorSpec, shape: Shape) -> Shape:
    if any(
        size < 1 and not (place == 0 and size == BATCH)
        for place, size in enumerate(shape)
    ):
        raise InvalidArgumentError(
            f"signature {signature.name!r}: shape {shape} for {spec.name!r}: sizes are "
            f"positive, and {BATCH} for the batch in the first place"
        )
    known = spec.shape
    if known is None:
        return shape
    fits = len(known) == len(shape) and all(
        theirs is None or theirs == ours or (place == 0 and ours == BATCH)
        for place, (theirs, ours) in enumerate(zip(known, shape, strict=True))
    )
    if not fits:
        raise InvalidArgumentError(
            f"signature {signature.name!r}: --shape {spec.name}={format_shape(shape)} "
            f"does not fit the model, where {spec.name!r} is "
            f"[{format_shape(known)}] of {spec.dtype}"
        )
    return shape


def _which_flags(signature: Signature, specs: Sequence[TensorSpec]) -> str:
    lines = [
        f"signature {signature.name!r} leaves open sizes that a compiled model must "
        "know. Only the first size, the batch, may stay open:"
    ]
    for spec in specs:
        if spec.shape is None:
            lines.append(
                f"  {spec.name!r} ({spec.tensor}) has no known rank: pass its sizes, "
                f"as in --shape {spec.name}=?,16000,1 (? is the batch)"
            )
            continue
        example = ["?" if spec.shape[0] is None else str(spec.shape[0])]
        example += [str(128 if size is None else size) for size in spec.shape[1:]]
        places = [str(n + 1) for n, s in enumerate(spec.shape) if s is None and n]
        lines.append(
            f"  {spec.name!r} ({spec.tensor}) is [{format_shape(spec.shape)}]: pass "
            f"--shape {spec.name}={','.join(example)} with your size in the place of "
            f"128 (place {' and '.join(places)})"
        )
    return "\n".join(lines)
