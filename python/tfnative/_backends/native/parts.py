# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Puts what runs before and behind compiled code into a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tfnative._backends.native.folder import artifact_folder
from tfnative.manifest import ExamplesHead

if TYPE_CHECKING:
    from tfnative._backends.native.tensorflow_tail import Tail
    from tfnative._core import Model as CoreModel
    from tfnative._signature import Signature
    from tfnative.manifest import Manifest


def put_parts(
    model: CoreModel,
    manifest: Manifest,
    signatures: Mapping[str, Signature],
    *,
    copied: bool,
) -> tuple[dict[str, Signature], dict[str, Tail], tuple[str, ...]]:
    """Has signatures take and give what the whole model does.

    Args:
        model: Of the compiled code.
        manifest: Of the artifact.
        signatures: As they were compiled.
        copied: As for ``open_part``.

    Returns:
        The signatures as callers see them, the tails by signature, and the ops that
        TensorFlow runs, sorted.

    Raises:
        NotFoundError: There is no TensorFlow.
        FailedPreconditionError: It is too old, or cannot be opened.
        LoadError: A part was changed, or does not fit its signature.
    """
    found = dict(signatures)
    tails: dict[str, Tail] = {}
    ops: set[str] = set()
    folder = artifact_folder(model.library_path)
    for name, of in manifest.signatures.items():
        head, tail = of.head, of.tail
        if name not in found or (head is None and tail is None):
            continue
        compiled = found[name]
        if isinstance(head, ExamplesHead):
            from tfnative._backends.native.examples_head import put_examples

            found[name] = put_examples(model, compiled, head)
            head = None
        else:
            from tfnative._backends.native.tensorflow_head import put_feed

            found[name] = put_feed(model, compiled, head, tail, folder, copied=copied)
        if head is not None:
            ops.update(head.ops)
        if tail is not None:
            from tfnative._backends.native.tensorflow_tail import put_tail

            own, outputs = put_tail(model, compiled, tail, folder, copied=copied)
            tails[name], found[name] = own, found[name]._replace(outputs=outputs)
            ops.update(tail.ops)
    return found, tails, tuple(sorted(ops))
