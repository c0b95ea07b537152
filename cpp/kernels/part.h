// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// How the work of a kernel is divided: tfn_part.
#pragma once

#include "simd.h"

namespace TFN_NAMESPACE {

struct Range {
  int64_t begin, end;
};

// The part's share of `count` things, of which `unit` ones belong together.
inline Range share(int64_t count, int64_t unit, tfn_part part) {
  const int64_t units = (count + unit - 1) / unit;
  const int64_t begin = units * part.index / part.count * unit;
  const int64_t end = units * (part.index + 1) / part.count * unit;
  return {begin < count ? begin : count, end < count ? end : count};
}

}  // namespace TFN_NAMESPACE
