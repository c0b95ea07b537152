# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Artifact: puts together the folder that users ship.

In: ``Program``s and their ``Interface``. Out: libraries with a manifest in them,
headers, sources to build elsewhere.
"""
