# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Describes a compiled model in words, for whoever has installed it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tfnative._base.units import format_shape
from tfnative.manifest import (
    ExamplesHead,
    Manifest,
    OpenTensor,
    SignatureManifest,
    TensorFlowHead,
    TensorManifest,
)


def model_summary(manifest: Manifest) -> str:
    """One line."""
    return f"The TensorFlow model {shown(manifest.name)}, compiled for CPUs"


def describe_signatures(manifest: Manifest) -> str:
    """The signatures with the inputs and outputs that callers see, as indented text."""
    lines: list[str] = []
    for name, signature in manifest.signatures.items():
        lines += [f"Signature {shown(name)}:"]
        lines += _tensors("takes", caller_inputs(signature))
        lines += _tensors("gives", caller_outputs(signature))
    return "\n".join(lines)


def describe_origin(manifest: Manifest) -> str:
    """What made it, and of what."""
    return (
        f"Compiled by tfnative {shown(manifest.tfnative_version)} and TensorFlow "
        f"{shown(manifest.tensorflow_version)}\n"
        f"for {shown(manifest.triple)} ({', '.join(map(shown, manifest.cpu_levels))})"
        f"\nof {shown(manifest.source_digest)}."
    )


def caller_inputs(signature: SignatureManifest) -> tuple[TensorManifest, ...]:
    """What ``predict`` takes: inputs of the head, and what it does not compute."""
    head = signature.head
    if isinstance(head, ExamplesHead):
        own: tuple[TensorManifest, ...] = (TensorManifest(head.input, "string", (-1,)),)
        computed = {feature.feeds for feature in head.features}
    elif isinstance(head, TensorFlowHead):
        own, computed = head.inputs, set(head.feeds)
    else:
        own, computed = (), set()
    late = signature.tail.inputs if signature.tail else ()
    known = computed | {tensor.name for tensor in own}
    beside = {t.name: t for t in (*signature.inputs, *late) if t.name not in known}
    return (*own, *beside.values())


def caller_outputs(
    signature: SignatureManifest,
) -> tuple[TensorManifest | OpenTensor, ...]:
    """What ``predict`` gives: outputs of the tail, and what it leaves as it is."""
    tail = signature.tail
    if tail is None:
        return signature.outputs
    passed = (each for each in signature.outputs if each.name in tail.passes)
    return tuple(sorted((*passed, *tail.outputs), key=lambda each: each.name))


def _tensors(
    verb: str, tensors: Iterable[TensorManifest | OpenTensor]
) -> Iterator[str]:
    for tensor in tensors:
        shape = format_shape(tensor.shape)
        yield f"    {verb} {shown(tensor.name)}: {shown(tensor.dtype)} {shape}"


def shown(name: str) -> str:
    """A name as it is, if it can stand in a line of text."""
    return name if name.isprintable() else ascii(name)
