# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Bearer tokens in a file, one a line, as RFC 6750 has them."""

from __future__ import annotations

import hashlib
import hmac
import os
import re

from tfnative._base.text import checked_path
from tfnative.errors import InvalidArgumentError
from tfnative.serving.fresh_files import FreshFiles
from tfnative.serving.small_file import read_small

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


class TokenFile:
    """The tokens of a file, read again when it changes. Thread-safe.

    A client sends the first of them, and a server takes any. So a token is exchanged
    without a pause: the server is given both, then the clients the new one, and then
    the server the new one alone.

    Args:
        path: Of the file.

    Raises:
        NotFoundError: It cannot be read.
        InvalidArgumentError: It has no token, or a line that is none; it is no regular
            file, or too large; or the path is no path.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        name = os.fspath(checked_path("token_file", path))
        what = f"token file {name}"
        self._tokens = FreshFiles(what, [name], lambda: read_tokens(name))

    @property
    def authorization(self) -> str:
        """The header of a client."""
        return f"Bearer {self._tokens.get()[0]}"

    def accepts(self, authorization: str) -> bool:
        """Whether a header has one of the tokens.

        How long that takes says nothing about what the tokens are.
        """
        scheme, _, given = authorization.partition(" ")
        digest = _digest(given.strip())
        # All are compared, whichever is the right one.
        found = [hmac.compare_digest(digest, _digest(t)) for t in self._tokens.get()]
        return any(found) and scheme.lower() == "bearer"


def open_tokens(path: str | os.PathLike[str] | None) -> TokenFile | None:
    """The tokens of a file, or of none."""
    return None if path is None else TokenFile(path)


def read_tokens(path: str) -> tuple[str, ...]:
    """The tokens of a file. Messages do not have them.

    Raises:
        NotFoundError: It cannot be read.
        InvalidArgumentError: It has no token, or a line that is none; or it is no
            regular file, or too large.
    """
    text = read_small(path, "the tokens in")
    tokens = []
    for number, line in enumerate(text.splitlines(), 1):
        token = line.strip().decode("ascii", errors="replace")
        if not token:
            continue
        if not _TOKEN.fullmatch(token):
            raise InvalidArgumentError(
                f"{path}: line {number} is no token: expected letters, digits and"
                " -._~+/, with = at the end alone"
            )
        tokens.append(token)
    if not tokens:
        raise InvalidArgumentError(f"{path} has no token: expected one a line")
    return tuple(tokens)


def _digest(token: str) -> bytes:
    """Of the same length for all tokens, so that lengths are not told either."""
    return hashlib.sha256(token.encode(errors="backslashreplace")).digest()
