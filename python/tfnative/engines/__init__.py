# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Compiled models in programs of Ray, Spark and Beam, each by its own means.

Each module needs the extra of its name: ``tfnative[ray]``, ``tfnative[spark]``,
``tfnative[beam]``. Processes of a cluster need tfnative, and nothing else.
"""
