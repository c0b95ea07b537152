// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "gemm/make_tiles.h"

namespace TFN_NAMESPACE {

template Tile<Half>* find_tile<Half>(int rows, int vectors, bool unit_stride);
template StripTile<Half>* find_strip<Half>(int rows, int vectors);

}  // namespace TFN_NAMESPACE
