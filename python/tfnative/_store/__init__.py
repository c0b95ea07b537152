# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The versions of a model, served while they change: ``ModelStore``.

In comes a folder of versions; out come models, by number, label or key.
"""
