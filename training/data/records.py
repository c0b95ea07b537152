# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Rows as tf.Examples, and TFRecord files of them, without TensorFlow.

Machines that only prepare data need NumPy and tfnative, and have the same bytes as any
other: features are in the order of their names. The format of the files is that of
tensorflow/core/lib/io/record_writer.h.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import tfnative
from tfnative._base.tfrecord import masked_crc32c
from training.data.index import Shard
from training.data.spec import Arrays, FeatureSpec

LABEL = "label"
_BLOCK_BYTES = 1 << 20


def examples(
    features: Mapping[str, FeatureSpec], task: str, rows: Arrays, numbers: Iterable[int]
) -> Iterator[bytes]:
    """Some rows, by their numbers, each as a serialized tf.Example.

    A row has its features, and its label as ``label``.
    """
    for row in numbers:
        values = {
            name: _stored(spec, rows.features[name][row])
            for name, spec in features.items()
        }
        label = rows.labels[row]
        values[LABEL] = int(label) if task == "classify" else np.float32(label)
        yield tfnative.encode_example(values)


def _stored(spec: FeatureSpec, value: Any) -> Any:
    if spec.stored == "floats":
        return np.asarray(value, np.float32)
    if spec.stored == "integers":
        return np.asarray(value, np.int64)
    return value if isinstance(value, bytes) else value.tobytes()


def write_shard(path: Path, records: Iterable[bytes]) -> Shard:
    """Writes a TFRecord file, which is there as a whole or not at all.

    Raises:
        OSError: It cannot be written; nothing of it is left.
    """
    with replacing(path) as temporary:
        rows = size = 0
        digest = hashlib.sha256()
        with temporary.open("wb") as file:
            for record in records:
                length = struct.pack("<Q", len(record))
                framed = b"".join(
                    (length, _crc(length), record, _crc(record)),
                )
                file.write(framed)
                digest.update(framed)
                rows += 1
                size += len(framed)
    return Shard(path.name, rows, size, digest.hexdigest())


def _crc(content: bytes) -> bytes:
    return struct.pack("<I", masked_crc32c(content))


def sha256_of(path: Path) -> str:
    """The digest of a file, in hexadecimal.

    Raises:
        OSError: It cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name to write to, which takes the place of a file if that went well.

    Whoever else writes the same file has another such name.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
