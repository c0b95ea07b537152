# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Files of TensorFlow Serving's: messages as text."""

from __future__ import annotations

import os
from typing import Any

from tfnative._base.regular_file import open_regular
from tfnative.errors import InvalidArgumentError, NotFoundError


def read_text_message(kind: Any, path: str | os.PathLike[str]) -> Any:
    """The message in a file.

    Raises:
        NotFoundError: There is no such file.
        InvalidArgumentError: It is no such message.
    """
    try:
        with open_regular(path) as file:
            content = file.read()
    except OSError as error:
        raise NotFoundError(f"cannot read {os.fspath(path)}: {error}") from None
    return parse_text_message(kind, content, path)


def parse_text_message(kind: Any, content: bytes, path: str | os.PathLike[str]) -> Any:
    """The message in the content of a file.

    Raises:
        InvalidArgumentError: It is no such message, or not in UTF-8.
    """
    from google.protobuf import text_format

    message = kind()
    try:
        text = content.decode()
        text_format.Parse(text, message, descriptor_pool=kind.DESCRIPTOR.file.pool)
    except (UnicodeDecodeError, text_format.ParseError) as error:
        raise InvalidArgumentError(f"{os.fspath(path)}: {error}") from None
    return message
