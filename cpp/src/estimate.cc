// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "estimate.h"

#include <charconv>
#include <string_view>

namespace tfnative::internal {
namespace {

// A core computes so many operations and reads so many bytes of weights a nanosecond,
// and takes so long to begin a step.
constexpr double kFlopsPerNano = 50, kBytesPerNano = 50, kNanosPerStep = 50;

// The third of the fields of a step's line, which tabs separate.
double flops_of(std::string_view line) {
  for (int skipped = 0; skipped < 2; ++skipped) {
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos) return 0;
    line.remove_prefix(tab + 1);
  }
  std::uint64_t flops = 0;
  std::from_chars(line.data(), line.data() + line.size(), flops);
  return static_cast<double>(flops);
}

}  // namespace

double estimated_nanos(const tfn_variant& variant, std::uint64_t weights_bytes) {
  double flops = 0;
  std::string_view left = variant.steps == nullptr ? "" : variant.steps;
  while (!left.empty()) {
    const std::size_t end = left.find('\n');
    flops += flops_of(left.substr(0, end));
    left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
  }
  // Where steps are not told, rows cost what a step does.
  const double rows = flops > 0
                          ? flops / kFlopsPerNano
                          : static_cast<double>(variant.batch_size) * kNanosPerStep;
  return rows + static_cast<double>(weights_bytes) / kBytesPerNano +
         kNanosPerStep * variant.step_count;
}

}  // namespace tfnative::internal
