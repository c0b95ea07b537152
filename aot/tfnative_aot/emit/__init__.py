# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Emit: writes the text of an artifact.

In: ``Program``s, and the ``Interface`` that users see. Out: C and assembler sources,
headers, weights, and what CMake, pkg-config and Bazel read. Runs nothing.
"""
