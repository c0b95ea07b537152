// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "conv/indirection.h"

namespace TFN_NAMESPACE {
namespace {

// A line of the kernel is consecutive in the input and in the packed weights.
bool lines_are_dense(const tfn_conv& p) {
  return p.groups == 1 && p.base_dilation[2] == 1 &&
         (p.window_dilation[2] == 1 || p.kernel[2] == 1);
}

}  // namespace

Indirection::Indirection(const tfn_conv& p, const float* input, int64_t group,
                         const Phase& phase, ConvScratch scratch)
    : p_(p),
      input_(input + group * (p.in_channels / p.groups)),
      phase_(phase),
      scratch_(scratch),
      whole_lines_(lines_are_dense(p)) {
  const int64_t channels = p.in_channels / p.groups;
  const int64_t lines = p.kernel[0] * p.kernel[1];
  segment_count_ = whole_lines_ ? lines : lines * p.kernel[2];
  segment_elements_ = whole_lines_ ? p.kernel[2] * channels : channels;
  for (int d = 0; d < 3; ++d) {
    lowest_[d] = highest_[d] = 0;
    bool found = false;
    int64_t position;
    for (int64_t k = 0; k < p.kernel[d]; ++k) {
      if (!first_position(d, k, &position)) continue;
      if (!found || position < lowest_[d]) lowest_[d] = position;
      if (!found || position > highest_[d]) highest_[d] = position;
      found = true;
    }
  }
}

bool Indirection::first_position(int d, int64_t k, int64_t* position) const {
  const int64_t spread =
      phase_.offset[d] * p_.stride[d] - p_.padding_low[d] + k * p_.window_dilation[d];
  const int64_t dilation = p_.base_dilation[d];
  *position = spread;
  if (dilation == 1) return true;
  if (spread % dilation != 0) return false;
  *position = spread / dilation;
  return true;
}

Indirection::Window Indirection::window_of(const Pixel& pixel) const {
  Window window;
  window.image = pixel.image;
  window.inside = true;
  int64_t index = pixel.image;
  for (int d = 0; d < 3; ++d) {
    const int64_t at = pixel.at[d] * p_.stride[d];
    window.position[d] = at;
    window.inside =
        window.inside && at + lowest_[d] >= 0 && at + highest_[d] < p_.in[d];
    index = index * p_.in[d] + at;
  }
  window.origin = input_ + index * p_.in_channels;
  return window;
}

int64_t Indirection::describe(const Pixel* pixels, int rows, Segment* segments,
                              float* copies) const {
  const int64_t channels = p_.in_channels / p_.groups;
  const int64_t steps = whole_lines_ ? 1 : p_.kernel[2];
  Window windows[kMaxRows];
  for (int r = 0; r < rows; ++r) windows[r] = window_of(pixels[r]);
  int64_t count = 0, k = 0, at[3];
  for (int64_t kd = 0; kd < p_.kernel[0]; ++kd) {
    const bool meets_d = first_position(0, kd, &at[0]);
    for (int64_t kh = 0; kh < p_.kernel[1]; ++kh) {
      if (!meets_d || !first_position(1, kh, &at[1])) {
        k += p_.kernel[2] * channels;
        continue;
      }
      for (int64_t kw = 0; kw < steps; ++kw, k += segment_elements_) {
        if (!first_position(2, kw, &at[2])) continue;
        const int64_t offset =
            ((at[0] * p_.in[1] + at[1]) * p_.in[2] + at[2]) * p_.in_channels;
        Segment& segment = segments[count];
        bool all_padding = true;
        for (int r = 0; r < rows; ++r, copies += segment_elements_) {
          const Window& window = windows[r];
          segment.row[r] = window.inside ? window.origin + offset
                                         : border_pointer(window, at, copies);
          all_padding = all_padding && segment.row[r] == scratch_.zeros;
        }
        segment.k = k;
        if (!all_padding) ++count;
      }
    }
  }
  return count;
}

const float* Indirection::border_pointer(const Window& window,
                                         const int64_t (&place)[3], float* copy) const {
  const int64_t d = window.position[0] + place[0];
  const int64_t h = window.position[1] + place[1];
  const int64_t w = window.position[2] + place[2];
  if (d < 0 || d >= p_.in[0] || h < 0 || h >= p_.in[1]) return scratch_.zeros;
  const int64_t index = (window.image * p_.in[0] + d) * p_.in[1] + h;
  const float* const line = input_ + index * p_.in[2] * p_.in_channels;
  const int64_t width = whole_lines_ ? p_.kernel[2] : 1;
  const int64_t begin = w < 0 ? 0 : w;
  const int64_t end = w + width < p_.in[2] ? w + width : p_.in[2];
  if (begin >= end) return scratch_.zeros;
  if (end - begin == width) return line + w * p_.in_channels;
  memset(copy, 0, (size_t)segment_elements_ * sizeof(float));
  memcpy(copy + (begin - w) * p_.in_channels, line + begin * p_.in_channels,
         (size_t)((end - begin) * p_.in_channels) * sizeof(float));
  return copy;
}

}  // namespace TFN_NAMESPACE
