// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Products of any element type.
#include "any_type.h"
#include "kernels.h"

namespace {

// Four columns at a time, whose sums do not wait for each other.
constexpr int64_t kColumns = 4;

template <typename Type>
void multiply_row(const tfn_matmul& p, const typename Type::Element* lhs,
                  const typename Type::Element* rhs, typename Type::Element* out) {
  typedef typename Type::Sum Sum;
  for (int64_t j = 0; j < p.n; j += kColumns) {
    const int64_t count = p.n - j < kColumns ? p.n - j : kColumns;
    Sums<Sum, kColumns> sums;
    for (int64_t k = 0; k < p.k; ++k) {
      const Sum x = Type::widen(lhs[k * p.lhs.col_stride]);
      const typename Type::Element* const row =
          rhs + k * p.rhs.row_stride + j * p.rhs.col_stride;
      for (int64_t c = 0; c < count; ++c) {
        multiply_add(sums.part[c], x, Type::widen(row[c * p.rhs.col_stride]));
      }
      sums.next();
    }
    sums.finish();
    for (int64_t c = 0; c < count; ++c) {
      out[(j + c) * p.out.col_stride] = Type::narrow(sums.part[c]);
    }
  }
}

template <typename Type>
void multiply(const tfn_matmul& p, const void* lhs, const void* rhs, void* out) {
  typedef typename Type::Element Element;
  for (int64_t b = 0; b < p.batch; ++b) {
    for (int64_t i = 0; i < p.m; ++i) {
      multiply_row<Type>(
          p, (const Element*)lhs + b * p.lhs.batch_stride + i * p.lhs.row_stride,
          (const Element*)rhs + b * p.rhs.batch_stride,
          (Element*)out + b * p.out.batch_stride + i * p.out.row_stride);
    }
  }
}

}  // namespace

#define TFN_DEFINE(name, ...)                                              \
  void TFN_KERNEL(matmul_any_##name)(const tfn_matmul* p, const void* lhs, \
                                     const void* rhs, void* out) {         \
    multiply<__VA_ARGS__>(*p, lhs, rhs, out);                              \
  }
TFN_ANY_TYPES(TFN_DEFINE)
