# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What clients are told of an error: the one place that decides.

Clients are told what is wrong with their requests, in the words of the error. What is
about the server stays in its log: paths, the text of exceptions that are not
tfnative's, and why a model could not be loaded. The client gets a sentence and the
request's id, under which the log has the rest.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass

from tfnative.errors import (
    Error,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    code_of,
    type_for,
)
from tfnative.serving.server.request_id import CURRENT

_logger = logging.getLogger("tfnative.serving")

MAX_BYTES = 2000
"""Of a text. gRPC's clients refuse answers whose metadata have more than 8 kB, and each
byte may be three there."""
MAX_ASKED = 200
"""Characters of what was asked, in the log: a path can be long."""

_SENTENCES = {
    1: "the request was cancelled",
    3: "the request does not fit the model",
    4: "the request took too long",
    5: "something that the request needs is not there",
    7: "the server does not allow the request",
    8: "the server has too little memory or too many requests",
    9: "the model does not take the request now",
    12: "the server does not support the request",
    13: "the server failed",
    14: "the server does not take the request now",
}
_NOT_LOADED = "the version could not be loaded; the server's log says why"

# What begins a path of a file or a URL, and what a traceback has. Names of nodes and
# methods have slashes inside of them only.
_OF_THE_SERVER = re.compile(
    r"""
        (?<!\w) (?:file:|~\w*|\.\.?)? /+ (?!job:|device:)[^\s/]  # /a, ~/a, ../a
      | \w:/+\S | (?<!\w)[a-z]:\\ | \\\\\w  # gs://a, C:\\a, \\\\a
      | Traceback\ \(most\ recent | \bFile\ ["'<]
      | \w/\S*\.(?:json|pb|npz|txt|bin|config|h5)\b | \w\.(?:so|pyc?)\b
    """,
    re.VERBOSE | re.IGNORECASE,
)


class OwnWordsError(Error):
    """An error whose text has nothing but words of the client, and of our code."""


class MalformedRequestError(OwnWordsError, InvalidArgumentError):
    """It is no request of the API."""


class UnknownModelError(OwnWordsError, NotFoundError):
    """The server does not have such a model, version or label."""


class UnavailableVersionError(OwnWordsError, FailedPreconditionError):
    """The server has such a version, which takes no requests."""


@dataclass(frozen=True)
class Reply:
    """What a client is told.

    Attributes:
        code: A canonical status code.
        text: A sentence.
    """

    code: int
    text: str


def reply_to(error: BaseException, what: str) -> Reply:
    """What the client is told of an error, all of which the log has.

    Args:
        error: Whatever was raised.
        what: What was asked, for the log.
    """
    code = code_of(error) or 13
    request_id = CURRENT.get()
    text, what = _text(error), _line(what[:MAX_ASKED])
    if code != 13 and _is_for_clients(error, text):
        text = _cut(text)
        _logger.info("request %s: %s: %s", request_id, what, _line(text))
        return Reply(code, text)
    is_mistake = not isinstance(error, Error) or code == 13
    _logger.log(
        logging.ERROR if is_mistake else logging.WARNING,
        "request %s: %s: %s: %s",
        *(request_id, what, type(error).__name__, _line(text)),
        exc_info=error if is_mistake else None,
    )
    sentence = _SENTENCES.get(code, _SENTENCES[13])
    return Reply(code, f"{sentence}; the server's log says more: request {request_id}")


def log_refused(what: str) -> None:
    """Notes that a client sent no token that the server knows.

    Args:
        what: What was asked.
    """
    name = _line(what[:MAX_ASKED])
    _logger.info("request %s: %s: refused: no token that is known", CURRENT.get(), name)


def load_error_text(error: Error | None) -> str:
    """What clients are told of a version that could not be loaded, or of no error.

    The log had it when that happened.
    """
    return "" if error is None else _NOT_LOADED


def _is_for_clients(error: BaseException, text: str) -> bool:
    if isinstance(error, OwnWordsError):
        return True
    # A LoadError has a code, too, but is not about a request.
    if not isinstance(error, type_for(code_of(error) or 13)):
        return False
    return not _OF_THE_SERVER.search(text)


def _text(error: BaseException) -> str:
    """Its message, in what UTF-8 can have, whatever its class does."""
    try:
        return str(error).encode(errors="backslashreplace").decode()
    except Exception:
        return "(it has no text)"


def _line(text: str) -> str:
    """In one line, so that nobody writes lines of their own into the log."""
    return text.encode("unicode_escape").decode() if not text.isprintable() else text


def _cut(text: str) -> str:
    encoded = text.encode()
    if len(encoded) <= MAX_BYTES:
        return text
    return encoded[:MAX_BYTES].decode(errors="ignore") + "..."
