// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// quantized_kernels: reads calls of kernels for quantized arrays from its standard
// input, one behind the other, and writes their results, as quantized_calls.py has
// both.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "float_mode.h"
#include "kernels.h"

namespace {

// Sizes of dimensions are in the order d, h, w.
struct Call {
  std::int64_t kernel, parts, flushes, has_table;
  std::int64_t lhs_bytes, rhs_bytes, addend_bytes, out_bytes;
  std::int64_t zero[2], result_zero, low, high;
  std::int64_t batch, elements, second_elements;
  std::int64_t in[3], out[3], window[3], stride[3], padding_low[3], dilation[3];
  float scale[2];
};

constexpr std::size_t kGuard = 64;
constexpr unsigned char kUntouched = 0xA7;

// Begins at a multiple of four bytes, but of no more.
struct Memory {
  explicit Memory(std::int64_t bytes)
      : all(static_cast<unsigned char*>(
            ::operator new(static_cast<std::size_t>(bytes) + 4, std::align_val_t{64}))),
        data(all + 4) {}
  ~Memory() { ::operator delete(all, std::align_val_t{64}); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  unsigned char *all, *data;
};

void read(void* data, std::int64_t bytes) {
  const auto size = static_cast<std::size_t>(bytes);
  if (std::fread(data, 1, size, stdin) != size) std::exit(2);
}

tfn_requantize result(const Call& c, const unsigned char* table) {
  return {static_cast<std::int32_t>(c.result_zero), static_cast<std::int32_t>(c.low),
          static_cast<std::int32_t>(c.high), c.has_table ? table : nullptr};
}

void copy(std::int64_t (&to)[3], const std::int64_t (&from)[3]) {
  std::memcpy(to, from, sizeof to);
}

void run_unary(const Call& c, const tfn_requantize& r, tfn_f32_kernel* kernel,
               const tfn_operands& operands, tfn_part part) {
  const tfn_unary_int8 p = {c.batch, c.elements, c.scale[0], r};
  kernel(&p, &operands, part);
}

void run_binary(const Call& c, const tfn_requantize& r, tfn_f32_kernel* kernel,
                const tfn_operands& operands, tfn_part part) {
  const tfn_binary_int8 p = {
      c.batch,
      c.elements,
      c.second_elements,
      {static_cast<std::int32_t>(c.zero[0]), static_cast<std::int32_t>(c.zero[1])},
      {c.scale[0], c.scale[1]},
      r};
  kernel(&p, &operands, part);
}

// `elements` are channels.
void run_pool(const Call& c, const tfn_requantize& r, tfn_f32_kernel* kernel,
              const tfn_operands& operands, tfn_part part) {
  tfn_pool_int8 p = {};
  p.window.batch = c.batch;
  p.window.channels = c.elements;
  copy(p.window.in, c.in), copy(p.window.out, c.out), copy(p.window.kernel, c.window);
  copy(p.window.stride, c.stride), copy(p.window.padding_low, c.padding_low);
  copy(p.window.window_dilation, c.dilation);
  p.input_zero = static_cast<std::int32_t>(c.zero[0]);
  p.multiplier = c.scale[0];
  p.result = r;
  kernel(&p, &operands, part);
}

void run_depthwise(const Call& c, const tfn_requantize& r, tfn_operands operands,
                   tfn_part part) {
  tfn_conv_int8 p = {};
  p.conv.batch = c.batch;
  p.conv.in_channels = p.conv.out_channels = p.conv.groups = c.elements;
  copy(p.conv.in, c.in), copy(p.conv.out, c.out), copy(p.conv.kernel, c.window);
  copy(p.conv.stride, c.stride), copy(p.conv.padding_low, c.padding_low);
  copy(p.conv.window_dilation, c.dilation);
  for (std::int64_t& dilation : p.conv.base_dilation) dilation = 1;
  p.input_zero = static_cast<std::int32_t>(c.zero[0]);
  p.addend_zero = static_cast<std::int32_t>(c.zero[1]);
  p.addend_scale = c.scale[1];
  p.result = r;
  const std::size_t bytes = TFN_DEPTHWISE_INT8_SCRATCH_BYTES(
      c.window[1], c.window[2], c.stride[2], c.dilation[2]);
  operands.scratch = ::operator new(bytes, std::align_val_t{64});
  TFN_KERNEL(conv_depthwise_int8)(&p, &operands, part);
  ::operator delete(operands.scratch, std::align_val_t{64});
}

void run(const Call& c, const tfn_requantize& r, const tfn_operands& operands,
         tfn_part part) {
  switch (c.kernel) {
    case 0: return run_unary(c, r, TFN_KERNEL(table_int8), operands, part);
    case 1: return run_unary(c, r, TFN_KERNEL(quantize_f32), operands, part);
    case 2: return run_unary(c, r, TFN_KERNEL(dequantize_int8), operands, part);
    case 3: return run_binary(c, r, TFN_KERNEL(add_int8), operands, part);
    case 4: return run_binary(c, r, TFN_KERNEL(multiply_int8), operands, part);
    case 5: return run_pool(c, r, TFN_KERNEL(pool_max_int8), operands, part);
    case 6: return run_pool(c, r, TFN_KERNEL(pool_average_int8), operands, part);
    default: return run_depthwise(c, r, operands, part);
  }
}

}  // namespace

int main() {
  Call c;
  while (std::fread(&c, sizeof c, 1, stdin) == 1) {
    unsigned char table[256];
    const Memory lhs(c.lhs_bytes), rhs(c.rhs_bytes), addend(c.addend_bytes);
    const Memory out(c.out_bytes + static_cast<std::int64_t>(kGuard));
    read(table, sizeof table), read(lhs.data, c.lhs_bytes), read(rhs.data, c.rhs_bytes);
    read(addend.data, c.addend_bytes);
    const auto size = static_cast<std::size_t>(c.out_bytes);
    std::memset(out.data, kUntouched, size + kGuard);
    const tfn_operands operands = {
        reinterpret_cast<const float*>(lhs.data),
        rhs.data,
        nullptr,
        c.addend_bytes ? reinterpret_cast<const float*>(addend.data) : nullptr,
        reinterpret_cast<float*>(out.data),
        nullptr,
        nullptr};
    const std::uint64_t mode = tfn_float_mode();
    if (c.flushes) tfn_flush_denormals();
    for (std::int32_t part = 0; part < c.parts; ++part) {
      run(c, result(c, table), operands, {part, static_cast<std::int32_t>(c.parts)});
    }
    tfn_set_float_mode(mode);
    for (std::size_t i = 0; i < kGuard; ++i) {
      if (out.data[size + i] != kUntouched) return 3;
    }
    if (std::fwrite(out.data, 1, size, stdout) != size) return 2;
  }
  return 0;
}
