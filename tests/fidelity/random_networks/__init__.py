# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Small networks of layers, drawn at random, to be compiled in lower precision."""
