// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Bytes that stand for others.
#pragma once

#include "simd.h"

namespace TFN_NAMESPACE {

// to[i] = table[from[i]]; the table has 256 bytes. `to` may be `from`.
void look_up(const uint8_t* table, const uint8_t* from, uint8_t* to, int64_t count);

}  // namespace TFN_NAMESPACE
