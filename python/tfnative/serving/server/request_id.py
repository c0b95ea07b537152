# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Names of requests, under which the log has what clients are not told."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from contextvars import ContextVar

HEADER = "x-request-id"
"""Of requests and answers over REST; in gRPC, the metadata's key."""

CURRENT: ContextVar[str] = ContextVar("request_id", default="-")
"""Of the request that is being answered."""

_SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:=+-]{0,127}")


def begin_request(given: Sequence[str]) -> str:
    """Names the request that is answered from here on.

    Its name is the client's own, if it gave one that can stand in a log.
    """
    is_sane = len(given) == 1 and _SANE.fullmatch(given[0])
    name = given[0] if is_sane else secrets.token_hex(16)
    CURRENT.set(name)
    return name
