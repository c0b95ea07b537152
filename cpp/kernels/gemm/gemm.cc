// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "gemm/gemm.h"

#include "gemm/multiply.h"

namespace TFN_NAMESPACE {

template void multiply(const ProductOf<float>& p, tfn_part part);

void pack_panels(int64_t first, int64_t n, int64_t k, MatrixView<const float> from,
                 float* packed) {
  for (int64_t j = first; j < n; j += TFN_PANEL) {
    const int64_t width = n - j < TFN_PANEL ? n - j : TFN_PANEL;
    const float* const columns = from.data + j * from.col_stride;
    if (width < TFN_PANEL) memset(packed, 0, (size_t)(k * TFN_PANEL) * sizeof(float));
    if (from.col_stride == 1) {
      for (int64_t i = 0; i < k; ++i) {
        memcpy(packed + i * TFN_PANEL, columns + i * from.row_stride,
               (size_t)width * sizeof(float));
      }
    } else {
      for (int64_t c = 0; c < width; ++c) {
        for (int64_t i = 0; i < k; ++i) {
          packed[i * TFN_PANEL + c] =
              columns[i * from.row_stride + c * from.col_stride];
        }
      }
    }
    packed += k * TFN_PANEL;
  }
}

}  // namespace TFN_NAMESPACE
