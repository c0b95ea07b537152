# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Files of TensorFlow Serving's: messages as text."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tfnative.errors import InvalidArgumentError, NotFoundError


def read_text_message(kind: Any, path: str | os.PathLike[str]) -> Any:
    """The message in a file.

    Raises:
        NotFoundError: There is no such file.
        InvalidArgumentError: It is no such message.
    """
    from google.protobuf import text_format

    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotFoundError(f"cannot read {os.fspath(path)}: {error}") from None
    message = kind()
    try:
        text_format.Parse(text, message, descriptor_pool=kind.DESCRIPTOR.file.pool)
    except text_format.ParseError as error:
        raise InvalidArgumentError(f"{os.fspath(path)}: {error}") from None
    return message
