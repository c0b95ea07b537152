# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The numbers of fields of TensorProto, and of what is in it."""

from __future__ import annotations

DTYPE, SHAPE, CONTENT, STRINGS = 1, 2, 4, 8
DIM, UNKNOWN_RANK = 2, 3
DIM_SIZE = 1
