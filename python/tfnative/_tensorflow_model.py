# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A SavedModel that TensorFlow's library runs."""

from __future__ import annotations

from typing import NamedTuple

from tfnative import _core
from tfnative._tensorflow_library import package_library, quiet


class Device(NamedTuple):
    """What TensorFlow can run models on.

    Attributes:
        name: TensorFlow's, as "/job:localhost/replica:0/task:0/device:GPU:0".
        type: "CPU" or "GPU".
        memory_bytes: How much of a GPU's memory TensorFlow may take. For CPUs it is a
            number without meaning.
    """

    name: str
    type: str
    memory_bytes: int


def tensorflow_library() -> tuple[str, str]:
    """The path and the version of TensorFlow's library, which is opened.

    Raises:
        NotFoundError: There is none.
        FailedPreconditionError: It is too old, or cannot be opened.
    """
    with quiet():
        path, version = _core.tensorflow_version(package_library())
    return path, version


def devices() -> list[Device]:
    """What TensorFlow can run models on.

    Raises:
        NotFoundError: There is no TensorFlow.
        FailedPreconditionError: It is too old, or cannot be opened.
    """
    tensorflow_library()
    options = _core.TensorflowOptions()
    return [Device(*each) for each in _core.tensorflow_devices(options)]
