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
      last_column(conv.in[2] - 1 - (conv.kernel[2] - 1) * conv.window_dilation[2]),
      dense_lines(conv.groups == 1 &&
                  (conv.window_dilation[2] == 1 || conv.kernel[2] == 1)) {
  end += (conv.batch - 1) * image_bytes +
         conv.in[0] * conv.in[1] * conv.in[2] * conv.in_channels;
  input += group * channels;
}

Int8Windows::Int8Windows(const Int8Geometry& g, int64_t image_elements, int64_t pixel)
    : g_(g),
      image_elements_(image_elements),
      row_(pixel / g.p.out[2]),
      w_(pixel % g.p.out[2]) {
  begin_row();
}

void Int8Windows::begin_next_row() {
  ++row_;
  w_ = 0;
  begin_row();
}

void Int8Windows::begin_row() {
  const tfn_conv& p = g_.p;
  const int64_t at[3] = {row_ / p.out[1] % p.out[0], row_ % p.out[1], w_};
  const int64_t rows = p.out[0] * p.out[1], image = row_ / rows;
  window_.image = g_.input + image * g_.image_bytes;
  window_.result =
      image * image_elements_ + (row_ % rows * p.out[2] + w_) * p.out_channels;
  window_.lines_inside = true;
  int64_t index = 0;
  for (int d = 0; d < 3; ++d) {
    const int64_t first = at[d] * p.stride[d] - p.padding_low[d];
    const int64_t last = first + (p.kernel[d] - 1) * p.window_dilation[d];
    window_.position[d] = first;
    if (d < 2 && (first < 0 || last >= p.in[d])) window_.lines_inside = false;
    index = index * p.in[d] + first;
  }
  window_.offset = index * p.in_channels;
}

void copy_places(const Int8Geometry& g, const uint8_t* line, int64_t position,
                 int64_t places, int padding, uint8_t* to) {
  const tfn_conv& p = g.p;
  const int64_t step = p.window_dilation[2];
  for (int64_t i = 0; i < places; ++i, position += step, to += g.channels) {
    if (line && position >= 0 && position < p.in[2]) {
      memcpy(to, line + position * p.in_channels, (size_t)g.channels);
    } else {
      memset(to, padding, (size_t)g.channels);
    }
  }
}

}  // namespace TFN_NAMESPACE
