// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "gemm/make_tiles.h"

namespace TFN_NAMESPACE {

template Tile<BFloat>* find_tile<BFloat>(int rows, int vectors, bool unit_stride);
template StripTile<BFloat>* find_strip<BFloat>(int rows, int vectors);

}  // namespace TFN_NAMESPACE
