# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The numbers of fields of TensorProto, and of what is in it."""

from __future__ import annotations

DTYPE, SHAPE, CONTENT, STRINGS = 1, 2, 4, 8
DIM, UNKNOWN_RANK = 2, 3
DIM_SIZE = 1

VALUES = {
    5: "float_val",
    6: "double_val",
    7: "int_val",
    8: "string_val",
    9: "scomplex_val",
    10: "int64_val",
    11: "bool_val",
    12: "dcomplex_val",
    13: "half_val",
    14: "resource_handle_val",
    15: "variant_val",
    16: "uint32_val",
    17: "uint64_val",
    18: "float8_val",
}
"""The fields with the values of a tensor whose contents are not in one piece."""
