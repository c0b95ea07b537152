# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Reads files that are small and may be replaced at any moment: tokens, certificates.

Whoever replaces one by a pipe or a device, by mistake or not, must not have a server
wait for what never comes, or read what never ends.
"""

from __future__ import annotations

import os
import stat

from tfnative.errors import InvalidArgumentError, NotFoundError

MOST_BYTES = 1 << 20
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def read_small(path: str | os.PathLike[str], what: str = "") -> bytes:
    """The content of a file. Never waits for another process.

    Args:
        path: Of the file; links are followed.
        what: What is in it, for messages, such as "the tokens in".

    Raises:
        NotFoundError: It cannot be read.
        InvalidArgumentError: It is no regular file, or has more than ``MOST_BYTES``.
    """
    name = " ".join(filter(None, (what, os.fspath(path))))
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # Opening a device can do things.
            raise _irregular(name)
        with open(os.open(path, _FLAGS), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _irregular(name)
            content = file.read(MOST_BYTES + 1)
    except InvalidArgumentError:
        raise
    except (OSError, ValueError) as error:  # Or its name is none.
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise NotFoundError(f"cannot read {name}: {reason}") from None
    if len(content) > MOST_BYTES:
        raise InvalidArgumentError(
            f"cannot read {name}: it has more than {MOST_BYTES} bytes"
        )
    return content


def _irregular(name: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"cannot read {name}: it is no regular file, but a folder, pipe or device"
    )
