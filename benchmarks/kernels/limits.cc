// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// limits BYTES...
//
// Prints as JSON what one thread of this machine can do at most: multiply-adds in
// registers, and reading arrays of the given sizes again and again, the largest last.
// benchmarks/limits.py compiles it for the CPU that it runs on, and knows the caches.
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "peak.h"

namespace {

// Loads every vector of an array into a register.
void read_all(const float* data, std::size_t count) {
  constexpr std::size_t kLoads = 8;
  constexpr std::size_t kStep = kLoads * TFN_NAMESPACE::kLanes;
  for (std::size_t at = 0; at + kStep <= count; at += kStep) {
    UNROLL
    for (std::size_t i = 0; i < kLoads; ++i) {
      bench::Vec value = TFN_NAMESPACE::load(data + at + i * TFN_NAMESPACE::kLanes);
      bench::hide(value);
    }
  }
}

double gigabytes_per_second(const float* data, std::size_t bytes) {
  const double seconds =
      bench::best_seconds([&] { read_all(data, bytes / sizeof(float)); });
  return static_cast<double>(bytes) / seconds / 1e9;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const std::size_t largest = std::strtoull(argv[argc - 1], nullptr, 10);
  constexpr std::align_val_t kLine{64};
  auto* data = static_cast<float*>(::operator new(largest, kLine));
  // Written, since all pages that were not are one page of zeros.
  std::fill_n(data, largest / sizeof(float), 1.0f);
  std::printf("{\"gflops\": %.2f, \"gigabytes_per_second\": [", bench::peak_gflops());
  for (int i = 1; i < argc; ++i) {
    const std::size_t bytes =
        std::min<std::size_t>(largest, std::strtoull(argv[i], nullptr, 10));
    std::printf("%s%.2f", i > 1 ? ", " : "", gigabytes_per_second(data, bytes));
  }
  std::printf("]}\n");
  ::operator delete(data, kLine);
  return 0;
}
