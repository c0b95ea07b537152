# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""XLA: compiles a frozen graph with tfcompile.

In: a ``FrozenGraph``, a batch size, a CPU level, a target. Out: a ``CompiledVariant``:
XLA's object code, and the program around it as XLA serialises it.
"""
