# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Traces of OpenTelemetry: what clients and servers share, and those of clients.

No module here imports ``opentelemetry`` before somebody has asked for traces. What a
server does beside, between a request and its model, is in ``server/tracing``.
"""
