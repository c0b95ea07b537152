# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Messages of TensorFlow Serving, as classes.

They are described in ``protos/``. Their names and their pool are their own: classes of
the same messages that tensorflow or tensorflow-serving-api registers in this process do
not meet them. ``protos/messages.b64`` is what protoc makes of the descriptions, which
any version of the package protobuf can read; ``make protos`` writes it.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf import (
    any_pb2,
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    wrappers_pb2,
)

_PACKAGE = "tfnative.serving"
_DESCRIPTORS = Path(__file__).parent / "protos" / "messages.b64"


def _load() -> dict[str, Any]:
    pool = descriptor_pool.DescriptorPool()
    for known in (any_pb2, wrappers_pb2):
        pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
    files = descriptor_pb2.FileDescriptorSet.FromString(
        base64.b64decode(_DESCRIPTORS.read_bytes())
    )
    found = {}
    for file in files.file:
        pool.Add(file)
        for message in file.message_type:
            descriptor = pool.FindMessageTypeByName(f"{_PACKAGE}.{message.name}")
            found[message.name] = message_factory.GetMessageClass(descriptor)
    return found


if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...


_classes = _load()
globals().update(_classes)
__all__ = sorted(_classes)  # noqa: PLE0605
