# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Freeze: makes one signature a graph that a compiler can take.

In: a ``LoadedModel`` and a signature. Out: a ``FrozenGraph``: no variables, no calls,
pruned to what is needed, rewritten where XLA would be wrong or slow; or a
``CompileError`` that lists every node that cannot be compiled.
"""
