// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "conv/patches.h"

namespace TFN_NAMESPACE {
namespace {

// With more, pointers are cheaper.
constexpr int64_t kLongestLine = 32, kLargestPatch = 256;

// Elements that are copied at once; a line may be copied with some more after its end.
constexpr int64_t kStep = 4;

// Copies `count` lines of up to kSteps * kStep elements.
template <int kSteps>
void copy_lines(const float* from, int64_t from_step, float* to, int64_t to_step,
                int64_t count) {
  for (int64_t i = 0; i < count; ++i, from += from_step, to += to_step) {
    UNROLL for (int s = 0; s < kSteps; ++s) {
      memcpy(to + s * kStep, from + s * kStep, kStep * sizeof(float));
    }
  }
}

CopyLines* find_copy(int64_t elements) {
  static_assert(kLongestLine <= 8 * kStep, "the switch has all cases");
  switch ((elements + kStep - 1) / kStep) {
    case 1: return copy_lines<1>;
    case 2: return copy_lines<2>;
    case 3: return copy_lines<3>;
    case 4: return copy_lines<4>;
    case 5: return copy_lines<5>;
    case 6: return copy_lines<6>;
    case 7: return copy_lines<7>;
    default: return copy_lines<8>;
  }
}

}  // namespace

Patches::Patches(const tfn_conv& p, const float* input)
    : p_(p),
      input_(input),
      end_(input + p.batch * p.in[0] * p.in[1] * p.in[2] * p.in_channels),
      line_(p.kernel[2] * p.in_channels),
      copy_lines_(find_copy(line_)) {}

int64_t Patches::stride() const { return elements() + kStep; }

void Patches::copy(Range pixels, float* to) const {
  for (int64_t i = pixels.begin; i < pixels.end;) {
    const int64_t w = i % p_.out[2], left = pixels.end - i;
    const int64_t count = p_.out[2] - w < left ? p_.out[2] - w : left;
    copy_row(i / p_.out[2], w, count, to);
    to += count * stride();
    i += count;
  }
}

// The windows of output pixels [w, w + count) of an output row.
void Patches::copy_row(int64_t row, int64_t w, int64_t count, float* to) const {
  const int64_t h = row % p_.out[1] * p_.stride[1] - p_.padding_low[1];
  const int64_t d = row / p_.out[1] % p_.out[0] * p_.stride[0] - p_.padding_low[0];
  const int64_t image = row / (p_.out[1] * p_.out[0]);
  const int64_t x = w * p_.stride[2] - p_.padding_low[2];
  for (int64_t kd = 0; kd < p_.kernel[0]; ++kd) {
    const int64_t z = d + kd * p_.window_dilation[0];
    for (int64_t kh = 0; kh < p_.kernel[1]; ++kh, to += line_) {
      const int64_t y = h + kh * p_.window_dilation[1];
      if (z < 0 || z >= p_.in[0] || y < 0 || y >= p_.in[1]) {
        for (int64_t i = 0; i < count; ++i) clear(to + i * stride());
      } else {
        const int64_t first = ((image * p_.in[0] + z) * p_.in[1] + y) * p_.in[2];
        copy_input_line(input_ + first * p_.in_channels, x, count, to);
      }
    }
  }
}

// One line of the windows of `count` pixels, the first of which is at column `x`.
void Patches::copy_input_line(const float* line, int64_t x, int64_t count,
                              float* to) const {
  const int64_t step = p_.stride[2] * p_.in_channels;
  int64_t i = 0;
  for (; i < count && x < 0; ++i, x += p_.stride[2]) {
    copy_partly(line, x, to + i * stride());
  }
  // Pixels whose window ends in the line, and whose last step in the input.
  const int64_t room = p_.in[2] - p_.kernel[2] - x;
  int64_t inside = room < 0 ? 0 : room / p_.stride[2] + 1;
  if (inside > count - i) inside = count - i;
  const float* const from = line + x * p_.in_channels;
  while (inside > 0 && from + (inside - 1) * step + line_ + kStep > end_) --inside;
  copy_lines_(from, step, to + i * stride(), stride(), inside);
  for (i += inside, x += inside * p_.stride[2]; i < count; ++i, x += p_.stride[2]) {
    copy_partly(line, x, to + i * stride());
  }
}

// Columns [x, x + kernel width) of a line, some of which may be padding.
void Patches::copy_partly(const float* line, int64_t x, float* to) const {
  clear(to);
  const int64_t begin = x < 0 ? -x : 0, width = p_.kernel[2];
  const int64_t end = x + width > p_.in[2] ? p_.in[2] - x : width;
  if (begin >= end) return;
  memcpy(to + begin * p_.in_channels, line + (x + begin) * p_.in_channels,
         (size_t)((end - begin) * p_.in_channels) * sizeof(float));
}

void Patches::clear(float* to) const { memset(to, 0, (size_t)line_ * sizeof(float)); }

bool copies_patches(const tfn_conv& p) {
  const int64_t line = p.kernel[2] * p.in_channels;
  return p.groups == 1 && p.window_dilation[2] == 1 && p.base_dilation[0] == 1 &&
         p.base_dilation[1] == 1 && p.base_dilation[2] == 1 && line <= kLongestLine &&
         line * p.kernel[0] * p.kernel[1] <= kLargestPatch;
}

}  // namespace TFN_NAMESPACE
