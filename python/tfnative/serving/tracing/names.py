# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Names of spans and of their attributes.

Where OpenTelemetry has a name, it is that one; see its semantic conventions for HTTP
and for RPC. Others begin with "tfnative.". docs/tracing.md has them in a table.
"""

from __future__ import annotations

SCOPE = "tfnative.serving"
"""Who has made the spans: the instrumentation scope."""

# --- Of OpenTelemetry.
ERROR_TYPE = "error.type"
HTTP_METHOD = "http.request.method"
HTTP_ROUTE = "http.route"
HTTP_STATUS = "http.response.status_code"
RPC_METHOD = "rpc.method"
RPC_METHOD_ORIGINAL = "rpc.method_original"
RPC_STATUS = "rpc.response.status_code"
RPC_SYSTEM = "rpc.system.name"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
URL_FULL = "url.full"
URL_PATH = "url.path"

# --- Spans within a request.
QUEUE = "tfnative.queue"
"""From when it could run until it does: in a batching queue, or for a thread."""
BATCH = "tfnative.batch"
"""Of several requests, to all of which it links."""
COMPUTE = "tfnative.compute"
"""The model at work on the request's rows; links to its batch."""
EXAMPLES = "tfnative.examples"
"""Reads tf.Example messages, and has a batch answer their rows."""

# --- And what is said of them.
REQUEST_ID = "tfnative.request_id"
MODEL = "tfnative.model.name"
VERSION = "tfnative.model.version"
SIGNATURE = "tfnative.model.signature"
MODEL_THREADS = "tfnative.model.threads"
"""How many work on one call."""
BATCH_THREADS = "tfnative.batch.threads"
"""How many run batches."""
ROWS = "tfnative.rows"
"""Of the request."""
BATCH_ROWS = "tfnative.batch.rows"
"""Of all requests in the batch, without padding."""
BATCH_PADDING = "tfnative.batch.padding"
BATCH_SIZE = "tfnative.batch.size"
"""Rows that were run: with padding."""
BATCH_REQUESTS = "tfnative.batch.requests"

MOST_CHARACTERS = 500
"""Of a text in a span that comes from elsewhere."""


def clean(text: str) -> str:
    """A text as exporters can write it: not too long, and in what UTF-8 can have."""
    cut = text[:MOST_CHARACTERS] + "..." * (len(text) > MOST_CHARACTERS)
    return cut.encode(errors="backslashreplace").decode()
