// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// How kernels that work element by element walk through the rows of a batch.
#pragma once

#include "int8/bytes.h"
#include "int8/look_up.h"
#include "int8/requantize_four.h"
#include "part.h"

namespace TFN_NAMESPACE {

// Elements that no two parts share, and most of a run: so few that what a table is
// applied to is still in the cache.
constexpr int64_t kLeastRun = 1024, kMostRun = 4096;

// Calls run(row, begin, end) for runs of elements of the part's share, one behind the
template <typename Run>
INLINE void for_each_run(int64_t batch, int64_t elements, tfn_part part,
                         const Run& run) {
  const int64_t units = (elements + kLeastRun - 1) / kLeastRun;
  const Range mine = share(batch * units, 1, part);
  for (int64_t unit = mine.begin; unit < mine.end;) {
    const int64_t row = unit / units, first = unit % units;
    int64_t count = units - first;  // To the end of the row.
    if (count > mine.end - unit) count = mine.end - unit;
    if (count > kMostRun / kLeastRun) count = kMostRun / kLeastRun;
    const int64_t begin = first * kLeastRun, end = begin + count * kLeastRun;
    run(row, begin, end < elements ? end : elements);
    unit += count;
  }
}

// Requantizes elements [begin, end) of a row to `out`. source.all(i) gives a vector of
// x from element i on, and source.some(i, count) its first lanes.
template <typename Source>
INLINE void requantize_run(const Source& source, int64_t begin, int64_t end,
                           const tfn_requantize& result, uint8_t* out) {
  const Requantize requantize(result);
  const RequantizeFour requantize_four(result);
  int64_t i = begin;
  for (; i + 4 * kLanes <= end; i += 4 * kLanes) {
    Vec x[4];
    UNROLL for (int v = 0; v < 4; ++v) x[v] = source.all(i + v * kLanes);
    requantize_four(out + i, x);
  }
  for (; i + kLanes <= end; i += kLanes)
    store_bytes(out + i, requantize(source.all(i)));
  if (i < end) store_some_bytes(out + i, requantize(source.some(i, end - i)), end - i);
  if (result.table) look_up(result.table, out + begin, out + begin, end - begin);
}

}  // namespace TFN_NAMESPACE
