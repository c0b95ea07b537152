// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Pixels of which some are far larger than others, or not finite.
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "winograd_cases.h"

namespace tfnative::testing {
namespace {

constexpr std::int64_t kHeight = 17, kWidth = 14, kOut = 18;

// What scales the pixel (h, w) of an image, or of one of several.
using Scale = std::function<float(std::int64_t image, std::int64_t h, std::int64_t w)>;

class Layer {
 public:
  explicit Layer(std::int64_t batch, std::int64_t channels)
      : p_(three_by_three(batch, channels, kOut, kHeight, kWidth, 1)),
        input_(batch * kHeight * kWidth * channels),
        weights_(9 * channels * kOut),
        packed_(kPoints * kPoints * packed_size(channels, kOut, 1)) {
    fill(weights_, 2);
    transform(p_, weights_.data(), packed_);
  }

  std::vector<float> run(const Scale& scale) {
    fill(input_, 1);
    for (std::int64_t i = 0; i < input_.size(); ++i) {
      const std::int64_t pixel = i / p_.in_channels;
      input_[i] *=
          scale(pixel / (kHeight * kWidth), pixel / kWidth % kHeight, pixel % kWidth);
    }
    const std::int64_t tiles = TFN_WINOGRAD_TILES(p_.batch, kHeight, kWidth);
    const Aligned<char> scratch(static_cast<std::int64_t>(
        TFN_WINOGRAD_SCRATCH_BYTES(tiles, p_.in_channels, p_.out_channels)));
    const Aligned<float> out(p_.batch * kHeight * kWidth * kOut);
    const tfn_operands operands = {input_.data(), packed_.data(), nullptr, nullptr,
                                   out.data(),    scratch.data(), nullptr};
    for (std::int32_t part = 0; part < 3; ++part) {
      TFN_KERNEL(conv_winograd_f32)(&p_, &operands, {part, 3});
    }
    return {out.data(), out.data() + out.size()};
  }

  // Errors are in parts of what a result sees, where all of that is finite.
  void check(const Scale& scale, double tolerance = 1e-5) {
    const std::vector<float> got = run(scale);
    const std::vector<double> sums = convolve(p_, input_.data(), weights_.data());
    const Aligned<float> sizes(input_.size()), ones(weights_.size());
    for (std::int64_t i = 0; i < input_.size(); ++i) sizes[i] = std::fabs(input_[i]);
    std::fill(ones.data(), ones.data() + ones.size(), 1.0F);
    const std::vector<double> seen = convolve(p_, sizes.data(), ones.data());
    for (std::size_t i = 0; i < got.size(); ++i) {
      if (std::isfinite(seen[i])) {
        ASSERT_NEAR(got[i], sums[i], tolerance * seen[i]) << i;
      } else {
        ASSERT_FALSE(std::isfinite(got[i])) << i;
      }
    }
  }

 private:
  tfn_conv p_;
  Aligned<float> input_, weights_, packed_;
};

std::vector<float> factors() {
  const float infinity = std::numeric_limits<float>::infinity();
  return {1e-30F, 1e-6F, 1e3F, 1e6F, 1e20F, infinity, NAN, 0};
}

TEST(WinogradScales, ResultsBesideALineAreAsExactAsWithoutIt) {
  for (std::int64_t channels : {5, 16}) {
    Layer layer(1, channels);
    for (float factor : factors()) {
      for (std::int64_t at : {3, 8}) {
        layer.check([&](auto, auto h, auto) { return h == at ? factor : 1; });
        layer.check([&](auto, auto, auto w) { return w == at ? factor : 1; });
        layer.check([&](auto, auto h, auto) { return h < at ? factor : 1; });
        layer.check(
            [&](auto, auto h, auto w) { return h == at && w == 6 ? factor : 1; });
      }
    }
  }
}

TEST(WinogradScales, EveryPixelMayHaveAScaleOfItsOwn) {
  Layer layer(2, 17);
  std::mt19937 engine(3);
  for (int i = 0; i < 20; ++i) {
    // What is up to sixteen times as large as what a result sees stays in its tile.
    layer.check(
        [&](auto, auto, auto) {
          const unsigned chosen = engine() % 16;
          return chosen == 0 ? 1e6F : chosen == 1 ? 1.0F : 1e-6F;
        },
        16e-5);
  }
}

TEST(WinogradScales, AnImageDoesNotChangeTheNext) {
  Layer layer(3, 16);
  const auto one = [](auto, auto, auto) { return 1.0F; };
  const std::vector<float> plain = layer.run(one);
  for (float factor : factors()) {
    const std::vector<float> got = layer.run(
        [&](auto image, auto h, auto) { return image == 1 && h > 6 ? factor : 1; });
    const std::size_t image = got.size() / 3;
    for (std::size_t i = 0; i < got.size(); ++i) {
      if (i / image != 1) {
        ASSERT_EQ(got[i], plain[i]) << factor << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace tfnative::testing
