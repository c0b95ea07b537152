// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Which places of a window are not padding.
#pragma once

#include "kernels.h"

namespace {

// The places of a window that are not padding, in one dimension.
struct Span {
  int64_t first, size;
};

// Of the window of output `at` in dimension `d`.
inline Span span_of(const tfn_reduce_window& p, int d, int64_t at) {
  int64_t first = at * p.stride[d] - p.padding_low[d], end = first + p.kernel[d];
  const int64_t step = p.window_dilation[d];
  if (step == 1) {
    if (first < 0) first = 0;
    if (end > p.in[d]) end = p.in[d];
    return end > first ? Span{first, end - first} : Span{0, 0};
  }
  const int64_t skipped = first < 0 ? (-first + step - 1) / step : 0;
  first += skipped * step;
  if (first >= p.in[d] || skipped >= p.kernel[d]) return {0, 0};
  const int64_t room = (p.in[d] - 1 - first) / step + 1, left = p.kernel[d] - skipped;
  return {first, left < room ? left : room};
}

}  // namespace
