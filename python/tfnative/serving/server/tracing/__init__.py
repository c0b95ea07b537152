# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Traces of what a server does for a request.

``requests`` has the span of a request, which ``grpc_spans`` and ``rest_spans`` put
around each; ``compute_spans`` those of models that run by themselves, and
``batch_spans`` those of batches, from what the batcher has recorded. ``exporting``
sends spans away.
"""
