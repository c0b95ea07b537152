# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Program: the compiled variant as a small typed intermediate representation.

In: a ``CompiledVariant``. Out: a ``Program``: steps (kernels of XLA's and ours) over
buffers. ``passes`` makes a better ``Program`` of a ``Program``.
"""
