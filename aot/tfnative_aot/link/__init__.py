# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Link: the compilers of this machine, and what they make.

In: sources, kernels, XLA's objects, a target. Out: objects, shared libraries, archives
and programs; and which targets this machine can make them for.
"""
