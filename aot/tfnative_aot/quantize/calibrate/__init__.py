# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Finds the ranges of activations: runs samples, and looks at what comes out."""
