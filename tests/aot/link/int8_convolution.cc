// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// int8_convolution: reads quantized convolutions from its standard input, one behind
// the other, and writes their results, as test_int8_convolution.py has both.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "cpu_level.h"
#include "kernels.h"

namespace {

struct Case {
  std::int64_t batch, in_channels, out_channels, groups;
  std::int64_t in[3], out[3], kernel[3], stride[3], padding[3], dilation[3];
  std::int64_t input_zero, addend_zero, zero, low, high;
  std::int64_t has_addend, adds_in_place, has_table, to_floats, parts;
  std::int64_t lhs_bytes, rhs_bytes, out_bytes;
  double addend_scale, least, most;
};

struct Free {
  void operator()(char* data) const { std::free(data); }
};

std::vector<std::unique_ptr<char, Free>> of_this_case;

// The first of so many bytes, the last of which are the last that may be read, so that
// a sanitizer finds what is read behind them: but for its alignment to four bytes.
char* memory(std::size_t bytes) {
  const std::size_t whole = (bytes + 63) / 64 * 64;
  of_this_case.emplace_back(static_cast<char*>(std::aligned_alloc(64, whole)));
  return of_this_case.back().get() + (whole - bytes) / 4 * 4;
}

char* read(std::size_t bytes) {
  char* const data = memory(bytes);
  if (std::fread(data, 1, bytes, stdin) != bytes) std::exit(2);
  return data;
}

void copy(const std::int64_t (&from)[3], std::int64_t (&to)[3]) {
  std::memcpy(to, from, sizeof from);
}

tfn_conv_int8 convolution(const Case& c, const char* table) {
  tfn_conv_int8 p = {};
  p.conv.batch = c.batch;
  p.conv.in_channels = c.in_channels;
  p.conv.out_channels = c.out_channels;
  p.conv.groups = c.groups;
  copy(c.in, p.conv.in);
  copy(c.out, p.conv.out);
  copy(c.kernel, p.conv.kernel);
  copy(c.stride, p.conv.stride);
  copy(c.padding, p.conv.padding_low);
  copy(c.dilation, p.conv.window_dilation);
  for (std::int64_t& step : p.conv.base_dilation) step = 1;
  p.conv.epilogue = {TFN_LINEAR, static_cast<float>(c.least),
                     static_cast<float>(c.most)};
  p.input_zero = static_cast<std::int32_t>(c.input_zero);
  p.addend_zero = static_cast<std::int32_t>(c.addend_zero);
  p.addend_scale = static_cast<float>(c.addend_scale);
  p.result = {static_cast<std::int32_t>(c.zero), static_cast<std::int32_t>(c.low),
              static_cast<std::int32_t>(c.high),
              reinterpret_cast<const std::uint8_t*>(table)};
  return p;
}

char* scratch(const Case& c) {
  const std::int64_t pixels = c.batch * c.out[0] * c.out[1] * c.out[2];
  const std::int64_t places = c.kernel[0] * c.kernel[1] * c.kernel[2];
  const std::size_t bytes =
      TFN_CONV_INT8_SCRATCH_BYTES(pixels, places, c.in_channels / c.groups);
  return memory((bytes + 63) / 64 * 64);
}

}  // namespace

int main() {
  tfn_host_has(TFN_AMX_INT8);  // Which asks for the permission to use it.
  Case c;
  while (std::fread(&c, sizeof c, 1, stdin) == 1) {
    const auto count = static_cast<std::size_t>(c.out_bytes);
    const char* const lhs = read(static_cast<std::size_t>(c.lhs_bytes));
    const char* const rhs = read(static_cast<std::size_t>(c.rhs_bytes));
    const char* const table = c.has_table ? read(256) : nullptr;
    char* const addend = c.has_addend ? read(count) : nullptr;
    char* const out = c.adds_in_place ? addend : memory(count);
    if (!c.adds_in_place) std::memset(out, 77, count);
    const tfn_conv_int8 p = convolution(c, table);
    const auto kernel =
        c.to_floats ? TFN_KERNEL(conv_int8_to_f32) : TFN_KERNEL(conv_int8);
    for (std::int32_t part = 0; part < c.parts; ++part) {
      const tfn_operands operands = {reinterpret_cast<const float*>(lhs),
                                     rhs,
                                     nullptr,
                                     reinterpret_cast<const float*>(addend),
                                     reinterpret_cast<float*>(out),
                                     scratch(c),
                                     nullptr};
      kernel(&p, &operands, {part, static_cast<std::int32_t>(c.parts)});
    }
    if (std::fwrite(out, 1, count, stdout) != count) return 2;
    of_this_case.clear();
  }
  return 0;
}
