// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "int8/window.h"

namespace TFN_NAMESPACE {

Int8Geometry::Int8Geometry(const tfn_conv& conv, const void* from, int64_t group)
    : p(conv),
      input((const uint8_t*)from),
      end(input),
      channels(conv.in_channels / conv.groups),
      image_bytes(
          TFN_INT8_ROW_BYTES(conv.in[0] * conv.in[1] * conv.in[2] * conv.in_channels)),
      dense_lines(conv.groups == 1 &&
                  (conv.window_dilation[2] == 1 || conv.kernel[2] == 1)) {
  end += (conv.batch - 1) * image_bytes +
         conv.in[0] * conv.in[1] * conv.in[2] * conv.in_channels;
  input += group * channels;
}

void copy_line(const Int8Geometry& g, const Int8Window& window, const uint8_t* line,
               int padding, uint8_t* to) {
  const tfn_conv& p = g.p;
  const int64_t step = p.window_dilation[2];
  int64_t w = window.first[2];
  for (int64_t kw = 0; kw < p.kernel[2]; ++kw, w += step, to += g.channels) {
    if (line && w >= 0 && w < p.in[2]) {
      memcpy(to, line + w * p.in_channels, (size_t)g.channels);
    } else {
      memset(to, padding, (size_t)g.channels);
    }
  }
}

}  // namespace TFN_NAMESPACE
