# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The way to the compiler, ``tfnative_aot``, which may not be installed.

In come a model and options; out comes an artifact's folder, made in this process or in
one of its own. What cannot be done for want of a package says which to install.
"""
