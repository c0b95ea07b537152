// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// int8_product: reads products in 8 bits from its standard input, one behind the other,
// and writes their results, as test_int8_kernel.py has both.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "cpu_level.h"
#include "float_mode.h"
#include "kernels.h"

namespace {

struct Case {
  std::int64_t m, n, k, lhs_row, lhs_column, out_row, out_column;
  std::int64_t parts, flushes, lhs_floats, rhs_bytes, out_floats;
};

void* memory(std::size_t bytes) {
  return ::operator new(bytes + 1, std::align_val_t{64});
}

void* read(std::size_t bytes) {
  void* const data = memory(bytes);
  if (std::fread(data, 1, bytes, stdin) != bytes) std::exit(2);
  return data;
}

}  // namespace

int main() {
  tfn_host_has(TFN_AMX_INT8);  // Which asks for the permission to use it.
  Case c;
  while (std::fread(&c, sizeof c, 1, stdin) == 1) {
    const auto count = static_cast<std::size_t>(c.out_floats);
    const void* const lhs = read(static_cast<std::size_t>(c.lhs_floats) * 4);
    const void* const rhs = read(static_cast<std::size_t>(c.rhs_bytes));
    auto* const out = static_cast<float*>(memory(count * 4));
    for (std::size_t i = 0; i < count; ++i) out[i] = 7;
    const tfn_matmul p = {1,
                          c.m,
                          c.n,
                          c.k,
                          {0, c.lhs_row, c.lhs_column},
                          {},
                          {0, c.out_row, c.out_column},
                          {TFN_LINEAR, -INFINITY, INFINITY}};
    const tfn_operands operands = {static_cast<const float*>(lhs),
                                   static_cast<const float*>(rhs),
                                   nullptr,
                                   nullptr,
                                   out,
                                   memory(TFN_MATMUL_INT8_SCRATCH_BYTES(c.m, c.k))};
    const std::uint64_t mode = tfn_float_mode();
    if (c.flushes) tfn_flush_denormals();
    for (std::int32_t part = 0; part < c.parts; ++part) {
      TFN_KERNEL(matmul_int8_dynamic)
      (&p, &operands, {part, static_cast<std::int32_t>(c.parts)});
    }
    tfn_set_float_mode(mode);
    if (std::fwrite(out, 4, count, stdout) != count) return 2;
  }
  return 0;
}
