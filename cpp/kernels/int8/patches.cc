// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "int8/patches.h"

namespace TFN_NAMESPACE {
namespace {

// Bytes that are taken at once. All that is copied may have a step more behind it.
constexpr int64_t kStep = 16;
typedef uint8_t Step __attribute__((vector_size(kStep)));

// With more bytes, a run is left to memcpy.
constexpr int64_t kMostSteps = 4;

// Copies `count` pieces of kSteps steps.
template <int kSteps>
void copy_steps(const uint8_t* from, int64_t from_step, uint8_t* to, int64_t to_step,
                int64_t count) {
  for (int64_t i = 0; i < count; ++i, from += from_step, to += to_step) {
    UNROLL for (int s = 0; s < kSteps; ++s) {
      memcpy(to + s * kStep, from + s * kStep, kStep);
    }
  }
}

typedef void CopySteps(const uint8_t* from, int64_t from_step, uint8_t* to,
                       int64_t to_step, int64_t count);

CopySteps* find_copy(int64_t steps) {
  static_assert(kMostSteps == 4, "the switch has all cases");
  switch (steps) {
    case 1: return copy_steps<1>;
    case 2: return copy_steps<2>;
    case 3: return copy_steps<3>;
    default: return copy_steps<4>;
  }
}

#if defined(TFN_INT8_WORDS)

// Widens bytes to 16 bits, in the order of store_activations.
INLINE void convert_step(const uint8_t* from, uint8_t* to) {
  Step q;
  memcpy(&q, from, kStep);
  const __m128i ordered = (__m128i)__builtin_shufflevector(
      q, q, 0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15);
#if defined(__AVX2__)
  _mm256_storeu_si256((__m256i*)to, _mm256_cvtepu8_epi16(ordered));
#else
  const __m128i zero = _mm_setzero_si128();
  _mm_storeu_si128((__m128i*)to, _mm_unpacklo_epi8(ordered, zero));
  _mm_storeu_si128((__m128i*)(to + kStep), _mm_unpackhi_epi8(ordered, zero));
#endif
}

#else

// Takes what activations are less by from bytes, which are signed if it is not 0.
INLINE void convert_step(const uint8_t* from, uint8_t* to) {
  Step q;
  memcpy(&q, from, kStep);
  q ^= (uint8_t)kActivationBias;
  memcpy(to, &q, kStep);
}

#endif

class PatchCopy {
 public:
  PatchCopy(const Int8Geometry& g, int padding)
      : g_(g),
        p_(g.p),
        padding_(padding),
        width_(g.dense_lines ? p_.kernel[2] : 1),
        bytes_(width_ * g.channels),
        k_(p_.kernel[0] * p_.kernel[1] * p_.kernel[2] * g.channels),
        stride_(int8_patch_bytes(k_)),
        // Behind the place of what bytes become, none is overwritten before it is read.
        gathered_(kGroupBytes == 8 ? stride_ / 2 - kStep : 0) {}

  void copy(Int8Windows windows, int64_t count, uint8_t* patches) const {
    uint8_t* to = patches + gathered_;
    for (int64_t left = count; left > 0;) {
      const int64_t in_row = windows.row_pixels(), run = in_row < left ? in_row : left;
      copy_row(windows.now(), run, to);
      windows.advance(run);
      left -= run;
      to += run * stride_;
    }
    if (!kBytesAsTheyAre) convert(count, patches);
  }

 private:
  // The windows of neighbouring pixels, one piece of all of them after the other.
  void copy_row(const Int8Window& first, int64_t count, uint8_t* to) const {
    for (int64_t kd = 0; kd < p_.kernel[0]; ++kd) {
      for (int64_t kh = 0; kh < p_.kernel[1]; ++kh) {
        const uint8_t* const line = first.line(g_, kd, kh);
        for (int64_t kw = 0; kw < p_.kernel[2]; kw += width_, to += bytes_) {
          copy_pieces(line, first.position[2] + kw * p_.window_dilation[2], count, to);
        }
      }
    }
  }

  // A piece of each window, the first of which is at column `x` of the input.
  void copy_pieces(const uint8_t* line, int64_t x, int64_t count, uint8_t* to) const {
    const int64_t step = p_.stride[2];
    int64_t i = 0;
    const auto copy_partly = [&](int64_t end) {
      for (; i < end; ++i, x += step) {
        copy_places(g_, line, x, width_, padding_, to + i * stride_);
      }
    };
    if (!line) return copy_partly(count);
    const int64_t before = x < 0 ? (step - 1 - x) / step : 0;
    copy_partly(before < count ? before : count);
    const int64_t room = p_.in[2] - width_ - x;
    int64_t whole = room < 0 ? 0 : room / step + 1;
    if (whole > count - i) whole = count - i;
    copy_whole(line + x * p_.in_channels, whole, to + i * stride_);
    i += whole;
    x += whole * step;
    copy_partly(count);
  }

  // Pieces without padding.
  void copy_whole(const uint8_t* from, int64_t count, uint8_t* to) const {
    const int64_t from_step = p_.stride[2] * p_.in_channels;
    const int64_t steps = (bytes_ + kStep - 1) / kStep;
    int64_t i = 0;
    if (steps <= kMostSteps) {
      int64_t with_more = count;  // That have whole steps to read.
      while (with_more > 0 &&
             g_.end - (from + (with_more - 1) * from_step) < steps * kStep) {
        --with_more;
      }
      find_copy(steps)(from, from_step, to, stride_, with_more);
      i = with_more;
    }
    for (; i < count; ++i) {
      memcpy(to + i * stride_, from + i * from_step, (size_t)bytes_);
    }
  }

  // Bytes as they are to the form of this CPU level, in whole steps.
  void convert(int64_t count, uint8_t* patches) const {
    for (int64_t i = 0; i < count; ++i, patches += stride_) {
      const uint8_t* const from = patches + gathered_;
      for (int64_t at = 0; at < k_; at += kStep) {
        convert_step(from + at, patches + at / 4 * kGroupBytes);
      }
    }
  }

  const Int8Geometry& g_;
  const tfn_conv& p_;
  const int padding_;
  const int64_t width_, bytes_;  // Of a piece: places that are next to each other.
  const int64_t k_, stride_, gathered_;
};

}  // namespace

void copy_patches(const Int8Geometry& g, Int8Windows windows, int64_t count,
                  int padding, uint8_t* patches) {
  PatchCopy(g, padding).copy(windows, count, patches);
}

}  // namespace TFN_NAMESPACE
