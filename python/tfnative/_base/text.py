# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Text from outside: names and paths, which UTF-8 must be able to have.

Python's str may have surrogates, as where an argument of a command has bytes that are
no text. No file format, protocol or library that is used here can be given them.
"""

from __future__ import annotations

import errno
import os

from tfnative._base.file_errors import describe
from tfnative.errors import InvalidArgumentError

_NO_PLACE = (errno.ENAMETOOLONG, errno.ELOOP)


def has_utf8(text: str) -> bool:
    """Whether UTF-8 can have it: it has no surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_text(name: str, value: object) -> None:
    """Checks that an argument is text that can be sent and written.

    Raises:
        InvalidArgumentError: It is none, or has surrogates.
    """
    if not isinstance(value, str) or not has_utf8(value):
        raise InvalidArgumentError(f"{name} must be text that is UTF-8, got {value!a}")


def checked_path(name: str, value: object) -> str:
    """The path that an argument is.

    Raises:
        InvalidArgumentError: It is none, or one that no file can have: it has bytes
            that are no text, or is longer than names may be, or is a loop of links.
    """
    try:
        path: object = os.fspath(value)  # type: ignore[call-overload]
    except TypeError:
        path = None
    if not isinstance(path, str) or not path or "\0" in path or not has_utf8(path):
        raise InvalidArgumentError(
            f"{name} must be a path, as a str that is UTF-8, got {value!a}"
        )
    try:
        os.stat(path)
    except OSError as error:
        if error.errno in _NO_PLACE:
            raise InvalidArgumentError(f"{name}: {describe(error)}") from None
    return path


def short_node(node: str) -> str:
    """A node's name without what TensorFlow puts before all of a signature's."""
    parts = node.split("/")
    kept = [part for part in parts if not part.startswith("StatefulPartitionedCall")]
    return "/".join(kept or parts)
