// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <limits>

#include "reference.h"

namespace tfnative::testing {
namespace {

void check(const tfn_reduce_window& p, bool special, std::int32_t parts) {
  Aligned<float> input(p.batch * volume(p.in) * p.channels);
  Aligned<float> output(p.batch * volume(p.out) * p.channels);
  fill(input, 1);
  if (special) {
    for (std::int64_t i = 0; i < input.size(); i += 11) {
      const float values[] = {NAN, INFINITY, -INFINITY};
      input[i] = values[i % 3];
    }
  }
  const std::vector<double> expected = reduce(p, input.data());
  const tfn_operands operands = {input.data(),  nullptr, nullptr, nullptr,
                                 output.data(), nullptr, nullptr};
  for (std::int32_t part = 0; part < parts; ++part) {
    TFN_KERNEL(reduce_window_f32)(&p, &operands, {part, parts});
  }
  for (std::int64_t i = 0; i < output.size(); ++i) {
    const double wanted = expected[static_cast<std::size_t>(i)];
    const auto got = static_cast<double>(output[i]);
    if (std::isnan(wanted)) {
      ASSERT_TRUE(std::isnan(got)) << "operation " << p.operation << " at " << i;
    } else {
      ASSERT_EQ(wanted, got) << "operation " << p.operation << ", channels "
                             << p.channels << ", kernel " << p.kernel[2] << " at " << i;
    }
  }
}

class Draw {
 public:
  explicit Draw(unsigned seed) : engine_(seed) {}

  std::int64_t operator()(std::int64_t low, std::int64_t high) {
    const auto choices = static_cast<unsigned>(high - low + 1);
    return low + static_cast<std::int64_t>(engine_() % choices);
  }

 private:
  std::mt19937 engine_;
};

tfn_reduce_window draw_operation(Draw& draw) {
  const float inits[] = {draw(0, 1) ? 0.0f : 2.5f, -INFINITY, INFINITY, -INFINITY};
  tfn_reduce_window p = {};
  p.operation = static_cast<std::int32_t>(draw(0, 3));
  p.init = inits[p.operation];
  p.scale = draw(0, 1) ? 1.0f : 0.25f;
  p.batch = draw(1, 3);
  p.channels = 1;
  for (int d = 0; d < 3; ++d) {
    p.in[d] = p.out[d] = p.kernel[d] = p.stride[d] = p.window_dilation[d] = 1;
  }
  return p;
}

void check_with_parts(const tfn_reduce_window& p, Draw& draw) {
  check(p, draw(0, 3) == 0, static_cast<std::int32_t>(draw(1, 3)));
}

TEST(ReduceWindow, RandomWindows) {
  Draw draw(2026);
  for (int i = 0; i < 800; ++i) {
    tfn_reduce_window p = draw_operation(draw);
    const bool row = draw(0, 2) == 0;
    p.channels = row ? 1 : draw(1, 90);
    for (int d = 0; d < 3; ++d) {
      const bool flat = d < 2 && draw(0, row ? 1 : 3) == 0;
      p.in[d] = flat ? draw(1, 2) : draw(1, row && d == 2 ? 300 : 10);
      p.kernel[d] = flat ? 1 : draw(1, row && d == 2 ? 150 : 5);
      p.stride[d] = draw(1, 3);
      p.padding_low[d] = flat ? 0 : draw(-1, 3);
      p.window_dilation[d] = flat || draw(0, 3) ? 1 : 2;
      const std::int64_t reach = (p.kernel[d] - 1) * p.window_dilation[d] + 1;
      const std::int64_t spread = p.in[d] + p.padding_low[d] + (flat ? 0 : draw(0, 3));
      p.out[d] = spread < reach ? 0 : (spread - reach) / p.stride[d] + 1;
    }
    if (volume(p.out) != 0) check_with_parts(p, draw);
  }
}

TEST(ReduceWindow, ChannelCountsAroundTheWidthsOfVectors) {
  Draw draw(2027);
  for (std::int64_t channels = 1; channels <= 140; ++channels) {
    tfn_reduce_window p = draw_operation(draw);
    p.channels = channels;
    p.in[1] = p.in[2] = 5;
    p.out[1] = p.out[2] = 3;
    p.kernel[1] = p.kernel[2] = 3;
    p.stride[1] = p.stride[2] = 2;
    p.padding_low[1] = p.padding_low[2] = 1;
    check_with_parts(p, draw);
  }
}

// One line of the output: the channels are divided among the parts.
TEST(ReduceWindow, AllPlacesOfAnImage) {
  Draw draw(2028);
  for (std::int64_t channels = 1; channels <= 200; channels += draw(1, 7)) {
    tfn_reduce_window p = draw_operation(draw);
    p.batch = 1;
    p.channels = channels;
    p.in[2] = p.kernel[2] = draw(1, 150);
    for (std::int32_t parts = 1; parts <= 3; ++parts) check(p, draw(0, 3) == 0, parts);
  }
}

TEST(ReduceWindow, RowsOfEveryLength) {
  Draw draw(2029);
  for (std::int64_t length = 1; length <= 140; ++length) {
    tfn_reduce_window p = draw_operation(draw);
    p.in[1] = p.out[1] = draw(1, 3);
    p.out[2] = draw(1, 3);
    p.kernel[2] = p.stride[2] = length;
    p.in[2] = p.out[2] * length;
    check_with_parts(p, draw);
  }
}

// Longer than what is summed in one piece, in a row, in rows and in planes.
TEST(ReduceWindow, LongWindows) {
  Draw draw(2030);
  for (std::int64_t channels : {1, 3, 9, 20, 70}) {
    for (std::int64_t length : {511, 513, 2049, 4095, 4097, 9001}) {
      for (std::int64_t lines : {1, 3}) {
        tfn_reduce_window p = draw_operation(draw);
        p.channels = channels;
        p.in[1] = p.kernel[1] = lines;
        p.in[2] = p.kernel[2] = length;
        check_with_parts(p, draw);
        p.in[0] = p.kernel[0] = 2;
        p.in[2] = length + 1;  // Each line of a window is apart from the next.
        check_with_parts(p, draw);
      }
    }
  }
}

// Wherever it is in a row or window, and with whatever it is joined first.
TEST(ReduceWindow, OneNaNIsTheResult) {
  for (std::int64_t channels : {1, 20}) {
    for (std::int64_t length : {3, 8, 19, 70}) {
      for (std::int64_t at = 0; at < length; ++at) {
        for (std::int32_t operation = 0; operation < 3; ++operation) {
          Aligned<float> input(length * channels), output(channels);
          fill(input, 1);
          input[at * channels] = NAN;
          const tfn_reduce_window p = {
              operation, 0.0f,           1.0f,      1,         channels, {1, 1, length},
              {1, 1, 1}, {1, 1, length}, {1, 1, 1}, {0, 0, 0}, {1, 1, 1}};
          const tfn_operands operands = {input.data(),  nullptr, nullptr, nullptr,
                                         output.data(), nullptr, nullptr};
          TFN_KERNEL(reduce_window_f32)(&p, &operands, {0, 1});
          ASSERT_TRUE(std::isnan(output[0])) << operation << " " << length << " " << at;
          if (channels > 1) ASSERT_FALSE(std::isnan(output[1]));
        }
      }
    }
  }
}

}  // namespace
}  // namespace tfnative::testing
