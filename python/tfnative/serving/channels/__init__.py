# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Carry calls to one address, and answers back.

In comes a ``Call``, which has what to send in both forms; out comes its answer, or one
of our errors for what went wrong. ``protocol.py`` says what every channel does; gRPC
and REST have two each, for threads and for coroutines, over what both share.
"""
