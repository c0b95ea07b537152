// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "gemm/make_tiles.h"

namespace TFN_NAMESPACE {

template Tile<int8_t>* find_tile<int8_t>(int rows, int vectors, bool unit_stride);
template StripTile<int8_t>* find_strip<int8_t>(int rows, int vectors);

}  // namespace TFN_NAMESPACE
