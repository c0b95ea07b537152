// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// To bytes, from bytes, and from bytes to bytes, element by element.
#include "int8/runs.h"

using namespace TFN_NAMESPACE;

namespace {

// Floats times a scale; NaN counts as zero.
struct Scaled {
  const float* from;
  Vec scale;

  INLINE Vec all(int64_t i) const { return scaled(load(from + i)); }
  INLINE Vec some(int64_t i, int64_t count) const {
    float line[kLanes] = {};
    memcpy(line, from + i, (size_t)count * sizeof(float));
    return scaled(load(line));
  }
  INLINE Vec scaled(Vec x) const { return rounded((x == x ? x : Vec{}) * scale); }
};

void dequantize(const uint8_t* from, int64_t count, const tfn_unary_int8& p,
                float* to) {
  const IntVec zero = p.result.zero - IntVec{};
  const Vec scale = broadcast(p.scale);
  const auto value = [&](IntVec q) {
    return __builtin_convertvector(q - zero, Vec) * scale;
  };
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(to + i, value(load_bytes(from + i)));
  if (i < count) {
    float line[kLanes];
    store(line, value(load_some_bytes(from + i, count - i)));
    memcpy(to + i, line, (size_t)(count - i) * sizeof(float));
  }
}

}  // namespace

void TFN_KERNEL(table_int8)(const void* params, const tfn_operands* operands,
                            tfn_part part) {
  const tfn_unary_int8& p = *(const tfn_unary_int8*)params;
  const int64_t row_bytes = TFN_INT8_ROW_BYTES(p.elements);
  for_each_run(p.batch, p.elements, part, [&](int64_t row, int64_t begin, int64_t end) {
    const int64_t at = row * row_bytes + begin;
    look_up(p.result.table, (const uint8_t*)operands->lhs + at,
            (uint8_t*)operands->out + at, end - begin);
  });
}

void TFN_KERNEL(quantize_f32)(const void* params, const tfn_operands* operands,
                              tfn_part part) {
  const tfn_unary_int8& p = *(const tfn_unary_int8*)params;
  const int64_t row_bytes = TFN_INT8_ROW_BYTES(p.elements);
  for_each_run(p.batch, p.elements, part, [&](int64_t row, int64_t begin, int64_t end) {
    const Scaled source = {operands->lhs + row * p.elements, broadcast(p.scale)};
    requantize_run(source, begin, end, p.result,
                   (uint8_t*)operands->out + row * row_bytes);
  });
}

void TFN_KERNEL(dequantize_int8)(const void* params, const tfn_operands* operands,
                                 tfn_part part) {
  const tfn_unary_int8& p = *(const tfn_unary_int8*)params;
  const int64_t row_bytes = TFN_INT8_ROW_BYTES(p.elements);
  for_each_run(p.batch, p.elements, part, [&](int64_t row, int64_t begin, int64_t end) {
    dequantize((const uint8_t*)operands->lhs + row * row_bytes + begin, end - begin, p,
               operands->out + row * p.elements + begin);
  });
}
