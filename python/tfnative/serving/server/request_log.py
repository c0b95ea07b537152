# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A line in the log for each request that is refused."""

from __future__ import annotations

import logging

from tfnative.errors import Error

_logger = logging.getLogger("tfnative.serving")
_MOST_CHARACTERS = 500


def log_refusal(api: str, what: str, status: object, error: Error) -> None:
    """Says why, in one line: a client chose some of the words.

    Args:
        api: "gRPC" or "REST".
        what: The method, or the verb and the path.
        status: What the client was told.
        error: Why.
    """
    if _logger.isEnabledFor(logging.INFO):
        line = " ".join(f"{api} {what}: {status}: {error}".split())
        _logger.info("%s", line[:_MOST_CHARACTERS])
