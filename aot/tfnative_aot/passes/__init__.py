# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Program to program: each pass is a pure function in a module of its own."""

from tfnative_aot.passes.pack_weights import pack_weights

__all__ = ["pack_weights"]
