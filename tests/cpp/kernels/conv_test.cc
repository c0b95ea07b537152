// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "conv_cases.h"
#include "small_weights.h"

namespace tfnative::testing {
namespace {

bool is_depthwise(const tfn_conv& p) {
  return p.groups == p.in_channels && p.groups == p.out_channels && p.in[0] == 1 &&
         p.out[0] == 1 && p.kernel[0] == 1 && p.base_dilation[1] == 1 &&
         p.base_dilation[2] == 1;
}

void check_any(const tfn_conv& p, const std::vector<double>& sums, const float* input,
               const float* weights) {
  Aligned<float> output(p.batch * volume(p.out) * p.out_channels);
  ASSERT_EQ(sums.size(), static_cast<std::size_t>(output.size()));
  TFN_KERNEL(conv_any_f32)(&p, input, weights, output.data());
  for (std::int64_t i = 0; i < output.size(); ++i) {
    ASSERT_EQ(sums[static_cast<std::size_t>(i)], output[i])
        << "conv_any_f32: " << name(p) << " at " << i;
  }
}

void check(const tfn_conv& p) {
  if (volume(p.out) == 0) return;
  const std::int64_t depth = p.in_channels / p.groups;
  const std::int64_t rows = volume(p.kernel) * depth;
  Aligned<float> input(p.batch * volume(p.in) * p.in_channels);
  Aligned<float> weights(rows * p.out_channels);
  Aligned<float> packed(packed_size(rows, p.out_channels, p.groups));
  fill(input, 1);
  fill(weights, 2);
  pack(rows, p.out_channels, p.groups, weights.data(), packed);
  const std::vector<double> sums = convolve(p, input.data(), weights.data());
  check_any(p, sums, input.data(), weights.data());
  const auto channel = [&](std::int64_t i) { return i % p.out_channels; };
  const std::size_t scratch_bytes =
      TFN_CONV_SCRATCH_BYTES(p.batch * volume(p.out), volume(p.kernel), depth);
  const SmallKernels small = {TFN_KERNEL(conv_f16), TFN_KERNEL(conv_bf16),
                              TFN_KERNEL(conv_s8)};
  check_small_kernels(small, p, {{TFN_LINEAR, 0, 6}, true, Addend::kNone, 2}, sums,
                      input.data(), packed, p.out_channels / p.groups, p.groups,
                      channel, scratch_bytes, name(p));
  for (const EpilogueCase& chosen : epilogue_cases()) {
    check_kernel(TFN_KERNEL(conv_f32), p, chosen, sums, input.data(), packed.data(),
                 p.out_channels, channel, scratch_bytes, "conv_f32: " + name(p));
    if (!is_depthwise(p)) continue;
    check_kernel(TFN_KERNEL(conv_depthwise_f32), p, chosen, sums, input.data(),
                 weights.data(), p.out_channels, channel,
                 TFN_DEPTHWISE_SCRATCH_BYTES(p.in_channels, p.kernel[1], p.kernel[2]),
                 "conv_depthwise_f32: " + name(p));
  }
}

TEST(Convolution, EveryWindowInTwoDimensions) {
  for (std::int64_t kernel : {1, 2, 3, 5}) {
    for (std::int64_t stride : {1, 2, 3}) {
      for (std::int64_t padding : {-1, 0, 1, 2}) {
        for (std::int64_t base : {1, 2, 3}) {
          for (std::int64_t window : {1, 2}) {
            tfn_conv p = convolution(2, 3, 18, 1, {1, 7, 6}, {1, kernel, 3});
            p.stride[1] = stride;
            p.stride[2] = stride;
            p.padding_low[1] = padding;
            p.padding_low[2] = padding + 1;
            p.base_dilation[1] = p.base_dilation[2] = base;
            p.window_dilation[1] = p.window_dilation[2] = window;
            set_output(p, {0, padding, 1});
            check(p);
          }
        }
      }
    }
  }
}

TEST(Convolution, EdgesOfTilesPanelsAndBlocks) {
  for (std::int64_t out_channels : {1, 4, 8, 15, 16, 17, 24, 40, 64, 65}) {
    for (std::int64_t width : {1, 2, 5, 6, 7, 12, 95, 97}) {
      tfn_conv p = convolution(1, 5, out_channels, 1, {1, 2, width}, {1, 3, 3});
      p.padding_low[1] = p.padding_low[2] = 1;
      set_output(p, {0, 1, 1});
      check(p);
    }
  }
}

TEST(Convolution, Pointwise) {
  for (std::int64_t channels : {1, 3, 16, 24}) {
    for (std::int64_t stride : {1, 2}) {
      tfn_conv p = convolution(3, channels, 20, 1, {1, 5, 7}, {1, 1, 1});
      p.stride[1] = p.stride[2] = stride;
      set_output(p, {0, 0, 0});
      check(p);
    }
  }
}

TEST(Convolution, Groups) {
  for (std::int64_t groups : {2, 4}) {
    for (std::int64_t kernel : {1, 3}) {
      tfn_conv p = convolution(2, 8, 24, groups, {1, 6, 5}, {1, kernel, kernel});
      p.padding_low[2] = 1;
      set_output(p, {0, 0, 1});
      check(p);
    }
  }
}

TEST(Convolution, OneAndThreeDimensions) {
  for (std::int64_t stride : {1, 2}) {
    tfn_conv line = convolution(2, 4, 9, 1, {1, 1, 50}, {1, 1, 11});
    line.stride[2] = stride;
    line.padding_low[2] = 5;
    set_output(line, {0, 0, 4});
    check(line);
    for (std::int64_t base : {1, 2}) {
      tfn_conv volume = convolution(1, 2, 5, 1, {4, 5, 3}, {3, 2, 3});
      for (int d = 0; d < 3; ++d) {
        volume.stride[d] = stride;
        volume.padding_low[d] = 1;
        volume.base_dilation[d] = base;
      }
      set_output(volume, {1, 1, 1});
      check(volume);
    }
  }
}

TEST(DepthwiseConvolution, EveryWindow) {
  for (std::int64_t channels : {2, 7, 8, 16, 27, 40}) {
    for (std::int64_t kernel : {1, 3, 5}) {
      for (std::int64_t stride : {1, 2}) {
        for (std::int64_t padding : {-1, 0, 1, 2}) {
          for (std::int64_t window : {1, 2}) {
            tfn_conv p = convolution(2, channels, channels, channels, {1, 6, 13},
                                     {1, kernel, kernel});
            p.stride[1] = p.stride[2] = stride;
            p.padding_low[1] = p.padding_low[2] = padding;
            p.window_dilation[1] = p.window_dilation[2] = window;
            set_output(p, {0, padding, padding});
            check(p);
          }
        }
      }
    }
  }
}

TEST(DepthwiseConvolution, WithAMultiplierOrADilatedInput) {
  for (std::int64_t base : {1, 2}) {
    for (std::int64_t multiplier : {1, 2, 3}) {
      tfn_conv p = convolution(2, 6, 6 * multiplier, 6, {1, 5, 4}, {1, 3, 3});
      p.padding_low[1] = p.padding_low[2] = 1;
      p.base_dilation[1] = p.base_dilation[2] = base;
      set_output(p, {0, 1, 1});
      check(p);
    }
  }
}

TEST(DepthwiseConvolution, InThreeDimensions) {
  tfn_conv p = convolution(1, 4, 4, 4, {4, 5, 3}, {2, 3, 3});
  set_output(p, {0, 0, 0});
  check(p);
}

// Sizes, strides, paddings, dilations and groups as they come; a failure names them.
TEST(Convolution, RandomShapes) {
  std::mt19937 engine(2026);
  const auto draw = [&](std::int64_t low, std::int64_t high) {
    return low +
           static_cast<std::int64_t>(engine() % static_cast<unsigned>(high - low + 1));
  };
  for (int i = 0; i < 300; ++i) {
    const std::int64_t groups = draw(0, 3) ? 1 : draw(2, 9);
    const std::int64_t in_channels = groups * draw(1, groups > 1 ? 3 : 40);
    const std::int64_t out_channels =
        draw(0, 1) && groups > 1 ? in_channels : groups * draw(1, groups > 1 ? 3 : 40);
    const bool flat = draw(0, 4) != 0;
    tfn_conv p = convolution(draw(1, 3), in_channels, out_channels, groups,
                             {flat ? 1 : draw(1, 4), draw(1, 14), draw(1, 20)},
                             {flat ? 1 : draw(1, 3), draw(1, 5), draw(1, 6)});
    std::int64_t padding_high[3] = {0, 0, 0};
    for (int d = flat ? 1 : 0; d < 3; ++d) {
      p.stride[d] = draw(1, 3);
      p.padding_low[d] = draw(-1, 4);
      padding_high[d] = draw(-1, 4);
      p.base_dilation[d] = draw(0, 3) ? 1 : draw(2, 3);
      p.window_dilation[d] = draw(0, 3) ? 1 : draw(2, 3);
    }
    set_output(p, padding_high);
    check(p);
  }
}

}  // namespace
}  // namespace tfnative::testing
