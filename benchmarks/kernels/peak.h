// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Timing, and what one thread's multipliers can do at most: shared by the benchmark of
// the kernels and by the measurement of the machine's limits.
#pragma once

#include <algorithm>
#include <chrono>

#include "simd.h"

namespace bench {

using TFN_NAMESPACE::Vec;

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

// The best of many short rounds: others on the machine only make it slower, and on a
// busy one few long rounds run without them.
template <typename Run>
double best_seconds(const Run& run) {
  constexpr int kRounds = 120;
  constexpr double kShortest = 0.001;
  double best = 1e30;
  long calls = 1;
  for (int round = 0; round < kRounds;) {
    const auto start = std::chrono::steady_clock::now();
    for (long i = 0; i < calls; ++i) run();
    const double seconds = seconds_since(start);
    if (seconds < kShortest) {
      calls *= 2;
      continue;
    }
    best = std::min(best, seconds / static_cast<double>(calls));
    ++round;
  }
  return best;
}

// Hides a value from the compiler, in a register.
inline void hide(Vec& value) {
#if defined(__x86_64__)
  __asm__ volatile("" : "+v"(value));
#else
  __asm__ volatile("" : "+w"(value));
#endif
}

// Chains of multiply-adds that do not wait for each other.
inline double peak_gflops() {
  constexpr long kSteps = 20000;
  constexpr int kChains = 10;
  const Vec one = TFN_NAMESPACE::broadcast(1);
  Vec x = TFN_NAMESPACE::broadcast(0.999f), y = TFN_NAMESPACE::broadcast(0.001f);
  hide(x);
  hide(y);
  const double seconds = best_seconds([&] {
    Vec a = one, b = one, c = one, d = one, e = one;
    Vec f = one, g = one, h = one, i = one, j = one;
    for (long step = 0; step < kSteps; ++step) {
      a = a * x + y, b = b * x + y, c = c * x + y, d = d * x + y, e = e * x + y;
      f = f * x + y, g = g * x + y, h = h * x + y, i = i * x + y, j = j * x + y;
      hide(a), hide(b), hide(c), hide(d), hide(e);
      hide(f), hide(g), hide(h), hide(i), hide(j);
    }
  });
  return 2.0 * kChains * TFN_NAMESPACE::kLanes * kSteps / seconds / 1e9;
}

}  // namespace bench
