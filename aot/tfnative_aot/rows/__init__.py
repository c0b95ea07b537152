# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Rows: proves that the rows of a batch do not depend on each other.

In: a ``FrozenGraph``. Out: a ``Verdict``: that each row's result depends on that row
alone, whatever the number of rows; or which node mixes rows, or why it is not known.
Only what is proved may be padded, split and batched with the rows of others.
"""
