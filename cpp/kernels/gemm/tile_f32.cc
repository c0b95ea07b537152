// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "gemm/make_tiles.h"

namespace TFN_NAMESPACE {

template Tile<float>* find_tile<float>(int rows, int vectors, bool unit_stride);
template StripTile<float>* find_strip<float>(int rows, int vectors);

}  // namespace TFN_NAMESPACE
