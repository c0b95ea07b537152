# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Where data comes from: one module for each set, with a function ``load()``."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from training.data.spec import Source
from training.errors import DataError


@dataclass(frozen=True)
class Kind:
    """A data set by name.

    Attributes:
        module: Of this package.
        shards: Files of the rows to train on.
        epochs: How often training goes through them, unless told otherwise.
    """

    module: str
    shards: int
    epochs: int


KINDS = {
    "digits": Kind("digits", shards=4, epochs=12),
    "fashion": Kind("fashion", shards=8, epochs=8),
    "breast_cancer": Kind("breast_cancer", shards=2, epochs=30),
    "diabetes": Kind("diabetes", shards=2, epochs=60),
    "words": Kind("words", shards=4, epochs=8),
    "text": Kind("text", shards=4, epochs=4),
    "ratings": Kind("ratings", shards=4, epochs=6),
}
NAMES = tuple(KINDS)


def load_source(name: str) -> Source:
    """Reads a data set from where it comes from.

    Raises:
        DataError: There is no such data set, or its source is not on this machine;
            the message has the command that brings it.
    """
    if name not in KINDS:
        raise DataError(f"there is no data {name!r}: choose one of {', '.join(NAMES)}")
    module = importlib.import_module(f"training.data.sources.{KINDS[name].module}")
    source: Source = module.load()
    return source
