// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Prints the probabilities of ten digits for one image, drawn below.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "digits.h"

namespace {

constexpr int kSize = 8;
constexpr int kClasses = 10;
constexpr std::size_t kAlignment = 64;

// A seven. '#' is 1, what is not drawn is 0.
constexpr char kImage[kSize][kSize + 1] = {
    "  ####  ", "     #  ", "    ##  ", "    #   ",
    "  ##### ", "   #    ", "  ##    ", "  #     ",
};

}  // namespace

int main() {
  alignas(kAlignment) float image[kSize * kSize];
  alignas(kAlignment) float probabilities[kClasses];
  for (int i = 0; i < kSize * kSize; ++i)
    image[i] = kImage[i / kSize][i % kSize] == '#' ? 1.0F : 0.0F;

  const std::size_t bytes = digits_serving_default_workspace_bytes(1);
  if (bytes == SIZE_MAX) {
    std::fprintf(stderr, "predict: the model has no code for this CPU\n");
    return 1;
  }
  // aligned_alloc wants a multiple of the alignment, and more than nothing.
  void* workspace =
      std::aligned_alloc(kAlignment, (bytes / kAlignment + 1) * kAlignment);
  const std::int32_t status =
      workspace == nullptr ? -1
                           : digits_serving_default(1, image, probabilities, workspace);
  std::free(workspace);
  if (status != 0) {
    std::fprintf(stderr, "predict: the model failed: %d\n", static_cast<int>(status));
    return 1;
  }
  for (int digit = 0; digit < kClasses; ++digit)
    std::printf("%d %.9g\n", digit, static_cast<double>(probabilities[digit]));
  return 0;
}
