// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Sums and products of two quantized arrays, of which the second may be repeated.
#include "int8/runs.h"

using namespace TFN_NAMESPACE;

namespace {

// What x is of two vectors of bytes.
struct Add {
  explicit Add(const tfn_binary_int8& p)
      : zero{p.zero[0] - IntVec{}, p.zero[1] - IntVec{}},
        scale{broadcast(p.scale[0]), broadcast(p.scale[1])} {}
  INLINE Vec operator()(IntVec a, IntVec b) const {
    return rounded(__builtin_convertvector(a - zero[0], Vec) * scale[0]) +
           rounded(__builtin_convertvector(b - zero[1], Vec) * scale[1]);
  }
  const IntVec zero[2];
  const Vec scale[2];
};

struct Multiply {
  explicit Multiply(const tfn_binary_int8& p)
      : zero{p.zero[0] - IntVec{}, p.zero[1] - IntVec{}},
        scale(broadcast(p.scale[0])) {}
  // The product is less than 2^16, and exact in float.
  INLINE Vec operator()(IntVec a, IntVec b) const {
    return rounded(__builtin_convertvector(a - zero[0], Vec) *
                   __builtin_convertvector(b - zero[1], Vec) * scale);
  }
  const IntVec zero[2];
  const Vec scale;
};

template <typename Operation>
struct Pair {
  const uint8_t *first, *second;
  const Operation operation;

  INLINE Vec all(int64_t i) const {
    return operation(load_bytes(first + i), load_bytes(second + i));
  }
  INLINE Vec some(int64_t i, int64_t count) const {
    return operation(load_some_bytes(first + i, count),
                     load_some_bytes(second + i, count));
  }
};

// The second array of a row, or if it is short, as often as it fits a line.
class Second {
 public:
  Second(const uint8_t* from, int64_t elements, bool repeats)
      : data_(from), period_(elements) {
    if (!repeats || elements * 2 > kLine) return;
    period_ = kLine / elements * elements;
    for (int64_t i = 0; i < period_; ++i) {
      line_[i] = i < elements ? from[i] : line_[i - elements];
    }
    data_ = line_;
  }
  const uint8_t* data() const { return data_; }
  int64_t period() const { return period_; }

 private:
  static constexpr int64_t kLine = 512;
  const uint8_t* data_;
  int64_t period_;
  uint8_t line_[kLine];
};

template <typename Operation>
void run(const tfn_binary_int8& p, const tfn_operands& operands, tfn_part part) {
  const int64_t row_bytes = TFN_INT8_ROW_BYTES(p.elements);
  const int64_t second_bytes = TFN_INT8_ROW_BYTES(p.second_elements);
  const Operation operation(p);
  for_each_run(p.batch, p.elements, part, [&](int64_t row, int64_t begin, int64_t end) {
    const uint8_t* const first = (const uint8_t*)operands.lhs + row * row_bytes;
    const Second second((const uint8_t*)operands.addend + row * second_bytes,
                        p.second_elements, p.second_elements < p.elements);
    uint8_t* const out = (uint8_t*)operands.out + row * row_bytes;
    for (int64_t i = begin; i < end;) {
      const int64_t at = i % second.period(), left = second.period() - at;
      const int64_t count = left < end - i ? left : end - i;
      const Pair<Operation> pair = {first + i, second.data() + at, operation};
      requantize_run(pair, 0, count, p.result, out + i);
      i += count;
    }
  });
}

}  // namespace

void TFN_KERNEL(add_int8)(const void* params, const tfn_operands* operands,
                          tfn_part part) {
  run<Add>(*(const tfn_binary_int8*)params, *operands, part);
}

void TFN_KERNEL(multiply_int8)(const void* params, const tfn_operands* operands,
                               tfn_part part) {
  run<Multiply>(*(const tfn_binary_int8*)params, *operands, part);
}
