// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "winograd_cases.h"

namespace tfnative::testing {
namespace {

// Sums are multiples of 1/64: what is off by more than the tolerance is a mistake.
void check(const tfn_conv& p, const std::vector<EpilogueCase>& cases) {
  if (volume(p.out) == 0) return;
  Aligned<float> input(p.batch * volume(p.in) * p.in_channels);
  Aligned<float> weights(9 * p.in_channels * p.out_channels);
  Aligned<float> packed(kPoints * kPoints *
                        packed_size(p.in_channels, p.out_channels, 1));
  fill(input, 1);
  fill(weights, 2);
  transform(p, weights.data(), packed);
  const std::vector<double> sums = convolve(p, input.data(), weights.data());
  const std::int64_t tiles = TFN_WINOGRAD_TILES(p.batch, p.out[1], p.out[2]);
  for (const EpilogueCase& chosen : cases) {
    check_kernel(
        TFN_KERNEL(conv_winograd_f32), p, chosen, sums, input.data(), packed.data(),
        p.out_channels, [&](std::int64_t i) { return i % p.out_channels; },
        TFN_WINOGRAD_SCRATCH_BYTES(tiles, p.in_channels, p.out_channels),
        "conv_winograd_f32: " + name(p),
        2e-5 * std::sqrt(static_cast<double>(p.in_channels)));
  }
}

// Enough where it is not epilogues that are tested.
std::vector<EpilogueCase> one_case() {
  return {{{TFN_LINEAR, -2, 6}, true, Addend::kOther, 3}};
}

TEST(WinogradConvolution, EverySizeAndPadding) {
  for (std::int64_t height : {1, 2, 3, 4, 5, 6, 7, 8, 9, 13}) {
    for (std::int64_t width : {1, 2, 3, 4, 5, 6, 7, 8, 9, 13}) {
      for (std::int64_t padding : {-1, 0, 1, 2}) {
        check(three_by_three(2, 5, 18, height, width, padding), one_case());
      }
    }
  }
}

TEST(WinogradConvolution, PaddingOfOneSide) {
  for (std::int64_t low : {-1, 0, 1, 2, 5}) {
    for (std::int64_t high : {-1, 0, 1, 2, 5}) {
      tfn_conv p = three_by_three(1, 8, 16, 7, 6, 0);
      p.padding_low[1] = low;
      p.padding_low[2] = high;
      set_output(p, {0, high, low});
      check(p, one_case());
    }
  }
}

TEST(WinogradConvolution, EveryEpilogueWithChannelsAroundVectorsAndPanels) {
  for (std::int64_t in_channels : {1, 3, 4, 7, 8, 15, 16, 17, 33}) {
    for (std::int64_t out_channels : {1, 4, 7, 8, 15, 16, 17, 24, 40, 64, 65}) {
      check(three_by_three(1, in_channels, out_channels, 6, 9, 1), epilogue_cases());
    }
  }
}

TEST(WinogradConvolution, SeveralBlocksOfTilesAndGroupsOfChannels) {
  for (std::int64_t width : {45, 49, 97, 149}) {
    check(three_by_three(1, 6, 20, 10, width, 1), epilogue_cases());
  }
  check(three_by_three(5, 130, 144, 13, 10, 1), epilogue_cases());
  check(three_by_three(2, 400, 17, 14, 14, 1), epilogue_cases());
}

TEST(WinogradConvolution, MorePartsThanWork) {
  for (std::int32_t parts : {5, 16}) {
    for (std::int64_t out_channels : {3, 32, 80}) {
      for (std::int64_t width : {2, 40, 200}) {
        check(three_by_three(1, 4, out_channels, 6, width, 1),
              {{kNoEpilogue, true, Addend::kOutput, parts}});
      }
    }
  }
}

TEST(WinogradConvolution, Random) {
  std::mt19937 engine(20);
  const auto any = [&](std::int64_t low, std::int64_t high) {
    return low +
           static_cast<std::int64_t>(engine() % static_cast<unsigned>(high - low));
  };
  const std::vector<EpilogueCase> cases = epilogue_cases();
  for (int i = 0; i < 150; ++i) {
    const std::int64_t height = any(1, 20), width = any(1, 20);
    check(three_by_three(any(1, 4), any(1, 70), any(1, 90), height, width, any(-1, 3)),
          {cases[static_cast<std::size_t>(i) % cases.size()]});
  }
}

// Of a tile, only the results that such a pixel is part of.
TEST(Winograd, WhatIsNotFiniteReachesTheResultsThatItIsPartOf) {
  for (const float odd : {NAN, INFINITY, -INFINITY, 3e38f}) {
    for (const std::int64_t channels : {1, 7, 16, 35}) {
      const tfn_conv p = three_by_three(1, channels, channels + 3, 11, 9, 1);
      Aligned<float> input(volume(p.in) * p.in_channels);
      Aligned<float> weights(9 * p.in_channels * p.out_channels);
      Aligned<float> packed(kPoints * kPoints *
                            packed_size(p.in_channels, p.out_channels, 1));
      Aligned<float> output(volume(p.out) * p.out_channels);
      fill(input, 1);
      fill(weights, 2);
      transform(p, weights.data(), packed);
      const std::int64_t pixel = 5 * p.in[2] + 3;
      input[pixel * p.in_channels + channels / 2] = odd;
      const std::vector<double> sums = convolve(p, input.data(), weights.data());
      const std::int64_t tiles = TFN_WINOGRAD_TILES(1, p.out[1], p.out[2]);
      Aligned<char> scratch(static_cast<std::int64_t>(
          TFN_WINOGRAD_SCRATCH_BYTES(tiles, p.in_channels, p.out_channels)));
      const tfn_operands operands = {input.data(),  packed.data(),  nullptr, nullptr,
                                     output.data(), scratch.data(), nullptr};
      TFN_KERNEL(conv_winograd_f32)(&p, &operands, {0, 1});
      for (std::int64_t i = 0; i < output.size(); ++i) {
        const auto wanted = static_cast<float>(sums[static_cast<std::size_t>(i)]);
        if (std::isnan(wanted)) {
          ASSERT_TRUE(std::isnan(output[i])) << odd << " at " << i;
        } else if (std::isinf(wanted)) {
          ASSERT_EQ(wanted, output[i]) << odd << " at " << i;
        } else {
          const float error = 1e-4f + 1e-5f * std::abs(wanted);
          ASSERT_NEAR(wanted, output[i], error) << odd << " at " << i;
        }
      }
    }
  }
}

}  // namespace
}  // namespace tfnative::testing
