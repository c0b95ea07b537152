# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Signatures of compiled models that take serialised tf.Example messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tfnative._core import ExampleParser, Model as CoreModel
from tfnative._signature import Signature, TensorSpec
from tfnative.errors import Error, LoadError

if TYPE_CHECKING:
    from tfnative.manifest import ExamplesHead

_NUMBERS = {"float32": 1, "string": 7, "int64": 9}  # tensorflow.DataType


def make_parser(head: ExamplesHead) -> ExampleParser:
    """What parses the messages.

    Raises:
        LoadError: The features contradict themselves.
    """
    features = [
        (feature.name, _NUMBERS[feature.dtype], feature.shape, feature.default)
        for feature in head.features
    ]
    try:
        return ExampleParser(features)
    # What does not fit into C++: a size, a number, a name.
    except (Error, RuntimeError, TypeError, ValueError) as error:
        raise LoadError(f"the features in the manifest: {error}") from error


def put_examples(
    model: CoreModel, signature: Signature, head: ExamplesHead
) -> Signature:
    """Has a signature take messages; returns it as callers see it then.

    Raises:
        LoadError: The head does not fit the signature.
    """
    feeds = [feature.feeds or "" for feature in head.features]
    model._put_examples(signature.name, head.input, make_parser(head), feeds)
    messages = TensorSpec(head.input, np.dtype(object), (-1,))
    direct = {n: spec for n, spec in signature.inputs.items() if n not in feeds}
    if head.input in direct:
        raise LoadError(f"signature {signature.name!r} has two inputs {head.input!r}")
    return signature._replace(inputs={head.input: messages, **direct})
