// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Convolutions of any element type, and those whose weights are not constant.
#include "any_type.h"
#include "conv/window.h"
#include "kernels.h"

namespace {

constexpr int64_t kChannels = 8;

// Up to kChannels output channels of one group at one output pixel.
template <typename Type>
void convolve_pixel(const tfn_conv& p, const typename Type::Element* image,
                    const typename Type::Element* weights, const int64_t (&at)[3],
                    int64_t channel, int64_t count, typename Type::Element* out) {
  typedef typename Type::Sum Sum;
  Sums<Sum, kChannels> sums;
  const int64_t depth = p.in_channels / p.groups;
  const int64_t first = channel / (p.out_channels / p.groups) * depth;
  for (int64_t kd = 0; kd < p.kernel[0]; ++kd) {
    const int64_t d = input_position(p, 0, at[0], kd);
    for (int64_t kh = 0; d >= 0 && kh < p.kernel[1]; ++kh) {
      const int64_t h = input_position(p, 1, at[1], kh);
      for (int64_t kw = 0; h >= 0 && kw < p.kernel[2]; ++kw) {
        const int64_t w = input_position(p, 2, at[2], kw);
        if (w < 0) continue;
        const int64_t place = (kd * p.kernel[1] + kh) * p.kernel[2] + kw;
        const auto* in =
            image + ((d * p.in[1] + h) * p.in[2] + w) * p.in_channels + first;
        const auto* row = weights + place * depth * p.out_channels + channel;
        for (int64_t i = 0; i < depth; ++i, row += p.out_channels) {
          const Sum x = Type::widen(in[i]);
          for (int64_t c = 0; c < count; ++c) {
            multiply_add(sums.part[c], x, Type::widen(row[c]));
          }
          sums.next();
        }
      }
    }
  }
  sums.finish();
  for (int64_t c = 0; c < count; ++c) out[c] = Type::narrow(sums.part[c]);
}

template <typename Type>
void convolve(const tfn_conv& p, const void* input, const void* weights, void* output) {
  typedef typename Type::Element Element;
  const Element* image = (const Element*)input;
  Element* out = (Element*)output;
  const int64_t in_group = p.out_channels / p.groups;
  for (int64_t b = 0; b < p.batch; ++b, image += pixels(p.in) * p.in_channels) {
    for (int64_t pixel = 0; pixel < pixels(p.out); ++pixel, out += p.out_channels) {
      const int64_t at[3] = {pixel / (p.out[1] * p.out[2]), pixel / p.out[2] % p.out[1],
                             pixel % p.out[2]};
      for (int64_t c = 0; c < p.out_channels;) {
        const int64_t left = in_group - c % in_group;
        const int64_t count = left < kChannels ? left : kChannels;
        convolve_pixel<Type>(p, image, (const Element*)weights, at, c, count, out + c);
        c += count;
      }
    }
  }
}

}  // namespace

#define TFN_DEFINE(name, ...)                                            \
  void TFN_KERNEL(conv_any_##name)(const tfn_conv* p, const void* input, \
                                   const void* weights, void* output) {  \
    convolve<__VA_ARGS__>(*p, input, weights, output);                   \
  }
TFN_ANY_TYPES(TFN_DEFINE)
