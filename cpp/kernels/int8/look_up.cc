// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "int8/look_up.h"

namespace TFN_NAMESPACE {

void look_up(const uint8_t* table, const uint8_t* from, uint8_t* to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) to[i] = table[from[i]];
}

}  // namespace TFN_NAMESPACE
