// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// What one thread can do at most in 8 bits, with the instructions of a CPU level.
#pragma once

#include "int8/gemm/form.h"
#include "peak.h"

namespace bench {

// Hides a value of any type from the compiler, in memory or in a register.
template <typename T>
inline void forget(T& value) {
#if defined(__x86_64__)
  __asm__ volatile("" : "+v"(value));
#else
  __asm__ volatile("" : "+w"(value));
#endif
}

#if defined(TFN_INT8_WORDS)
inline void forget(TFN_NAMESPACE::Weights& weights) {
  forget(weights.even), forget(weights.odd);
}
#endif

// Chains of groups of four products that do not wait for each other, in operations: a
// product and a sum are two. A compiler must not know that the weights stay the same.
inline double int8_peak_gops() {
  constexpr long kSteps = 500000;
  constexpr int kChains = 10;
  constexpr std::int8_t kWeights[TFN_PANEL * 4] = {3, -2, 1};
  constexpr std::uint8_t kActivations[8] = {200, 7, 100, 1, 5, 6};
  const double seconds = best_seconds([&] {
    auto weights = TFN_NAMESPACE::load_weights(kWeights);
    const auto x = TFN_NAMESPACE::load_activations(kActivations);
    TFN_NAMESPACE::Sum sum[kChains] = {};
    for (long step = 0; step < kSteps; ++step) {
      UNROLL for (int chain = 0; chain < kChains; ++chain) {
        forget(weights);
        TFN_NAMESPACE::add_products(sum[chain], x, weights);
      }
    }
    UNROLL for (int chain = 0; chain < kChains; ++chain) {
      auto result = TFN_NAMESPACE::total(sum[chain]);
      forget(result);
    }
  });
  return 2.0 * 4 * kChains * TFN_NAMESPACE::kLanes * kSteps / seconds / 1e9;
}

}  // namespace bench
