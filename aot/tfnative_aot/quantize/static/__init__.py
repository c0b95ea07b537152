# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Turns a graph into one of quantized arrays, by ranges that were found before."""
