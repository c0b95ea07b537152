// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Pooling and reductions of f32: each result is reduced from the places of a window.
#include "epilogue.h"
#include "part.h"

using namespace TFN_NAMESPACE;

namespace {

// `x` is taken if it is NaN.
inline Vec larger(Vec a, Vec x) { return x <= a ? a : x; }
inline Vec smaller(Vec a, Vec x) { return x >= a ? a : x; }

struct Sum {
  static Vec join(Vec a, Vec x) { return a + x; }
  static float join(float a, float x) { return a + x; }
};
struct Largest {
  static Vec join(Vec a, Vec x) { return a != a ? a : larger(a, x); }
  static float join(float a, float x) { return a != a || x <= a ? a : x; }
};
struct Smallest {
  static Vec join(Vec a, Vec x) { return a != a ? a : smaller(a, x); }
  static float join(float a, float x) { return a != a || x >= a ? a : x; }
};

// The part of a window that is not padding: places [first, end) in each dimension, and
// where the first of them is in the input.
struct Window {
  const float* input;
  int64_t size[3], step[3];
};

template <typename Operation>
class ReduceWindow {
 public:
  ReduceWindow(const tfn_reduce_window& p, const tfn_operands& operands)
      : p_(p), input_(operands.lhs), output_(operands.out) {}

  // Lines of the output are divided among the parts.
  void run(tfn_part part) const {
    if (reduces_lines()) return reduce_lines(part);
    const int64_t lines = p_.batch * p_.out[0] * p_.out[1];
    const Range mine = share(lines, 1, part);
    float* out = output_ + mine.begin * p_.out[2] * p_.channels;
    for (int64_t i = mine.begin; i < mine.end; ++i) {
      const int64_t h = i % p_.out[1], d = i / p_.out[1] % p_.out[0];
      const int64_t image = i / (p_.out[1] * p_.out[0]);
      for (int64_t w = 0; w < p_.out[2]; ++w, out += p_.channels) {
        const Window window = window_at(image, {d, h, w});
        if (p_.channels == 1) {
          *out = p_.scale * reduce_line(window);
        } else {
          reduce_channels(window, out);
        }
      }
    }
  }

 private:
  Window window_at(int64_t image, const int64_t (&at)[3]) const {
    Window window;
    int64_t index = image, step = p_.channels;
    for (int d = 0; d < 3; ++d) {
      int64_t first = at[d] * p_.stride[d] - p_.padding_low[d], size = p_.kernel[d];
      const int64_t dilation = p_.window_dilation[d];
      const int64_t skipped = first < 0 ? (-first + dilation - 1) / dilation : 0;
      first += skipped * dilation;
      size -= skipped;
      const int64_t room = first < p_.in[d] ? (p_.in[d] - 1 - first) / dilation + 1 : 0;
      window.size[d] = size < 0 ? 0 : size < room ? size : room;
      index = index * p_.in[d] + (window.size[d] > 0 ? first : 0);
    }
    for (int d = 2; d >= 0; --d) {
      window.step[d] = step * p_.window_dilation[d];
      step *= p_.in[d];
    }
    window.input = input_ + index * p_.channels;
    return window;
  }

  template <int kVectors>
  void reduce_vectors(const Window& window, int64_t c, float* out) const {
    Vec result[kVectors];
    UNROLL for (int v = 0; v < kVectors; ++v) result[v] = broadcast(p_.init);
    for (int64_t d = 0; d < window.size[0]; ++d) {
      for (int64_t h = 0; h < window.size[1]; ++h) {
        const float* from = window.input + c + d * window.step[0] + h * window.step[1];
        for (int64_t left = window.size[2]; left > 0; left -= kTogether) {
          reduce_together<kVectors>(from, window.step[2], left, result);
          from += kTogether * window.step[2];
        }
      }
    }
    UNROLL for (int v = 0; v < kVectors; ++v) {
      store(out + c + v * kLanes, result[v] * broadcast(p_.scale));
    }
  }

  // Up to kTogether places, joined before they are joined with the others: a sum of
  // few is more exact than one of many.
  template <int kVectors>
  static void reduce_together(const float* from, int64_t step, int64_t left,
                              Vec (&result)[kVectors]) {
    const int64_t count = left < kTogether ? left : kTogether;
    Vec part[kVectors];
    UNROLL for (int v = 0; v < kVectors; ++v) part[v] = load(from + v * kLanes);
    for (int64_t i = 1; i < count; ++i) {
      from += step;
      UNROLL for (int v = 0; v < kVectors; ++v) {
        part[v] = Operation::join(part[v], load(from + v * kLanes));
      }
    }
    UNROLL for (int v = 0; v < kVectors; ++v) {
      result[v] = Operation::join(result[v], part[v]);
    }
  }

  void reduce_channels(const Window& window, float* out) const {
    int64_t c = 0;
    for (; c + 4 * kLanes <= p_.channels; c += 4 * kLanes) {
      reduce_vectors<4>(window, c, out);
    }
    for (; c + kLanes <= p_.channels; c += kLanes) reduce_vectors<1>(window, c, out);
    for (; c < p_.channels; ++c) {
      float result = p_.init;
      for (int64_t d = 0; d < window.size[0]; ++d) {
        for (int64_t h = 0; h < window.size[1]; ++h) {
          for (int64_t w = 0; w < window.size[2]; ++w) {
            result = Operation::join(
                result, window.input[c + d * window.step[0] + h * window.step[1] +
                                     w * window.step[2]]);
          }
        }
      }
      out[c] = result * p_.scale;
    }
  }

  // One channel: the places of a line lie next to each other, if it is not dilated.
  float reduce_line(const Window& window) const {
    float result = p_.init;
    for (int64_t d = 0; d < window.size[0]; ++d) {
      for (int64_t h = 0; h < window.size[1]; ++h) {
        const float* from = window.input + d * window.step[0] + h * window.step[1];
        int64_t left = window.size[2];
        if (window.step[2] == 1 && left >= 4 * kLanes) {
          result = Operation::join(result, reduce_dense(from, left));
          from += window.size[2] - left;
        }
        for (; left > 0; --left, from += window.step[2]) {
          result = Operation::join(result, *from);
        }
      }
    }
    return result;
  }

  // As many as fill vectors; `*count` is left with the others.
  static float reduce_dense(const float* from, int64_t& count) {
    Vec result[4];
    for (int v = 0; v < 4; ++v) result[v] = load(from + v * kLanes);
    for (from += 4 * kLanes, count -= 4 * kLanes; count >= 4 * kLanes;
         from += 4 * kLanes, count -= 4 * kLanes) {
      UNROLL for (int v = 0; v < 4; ++v) {
        result[v] = Operation::join(result[v], load(from + v * kLanes));
      }
    }
    for (; count >= kLanes; from += kLanes, count -= kLanes) {
      result[0] = Operation::join(result[0], load(from));
    }
    float lanes[kLanes];
    store(lanes, Operation::join(Operation::join(result[0], result[1]),
                                 Operation::join(result[2], result[3])));
    UNROLL for (int half = kLanes / 2; half > 0; half /= 2) {
      UNROLL for (int i = 0; i < half; ++i) {
        lanes[i] = Operation::join(lanes[i], lanes[i + half]);
      }
    }
    return lanes[0];
  }

  // All of each line is one window, without padding.
  bool reduces_lines() const {
    return p_.channels == 1 && p_.kernel[2] == p_.in[2] && p_.out[2] == 1 &&
           p_.padding_low[2] == 0 && p_.window_dilation[2] == 1 &&
           p_.in[0] * p_.in[1] == 1 && p_.out[0] * p_.out[1] == 1 &&
           p_.padding_low[0] == 0 && p_.padding_low[1] == 0;
  }

  void reduce_lines(tfn_part part) const {
    const Range mine = share(p_.batch, 1, part);
    Window window = {nullptr, {1, 1, p_.in[2]}, {0, 0, 1}};
    for (int64_t i = mine.begin; i < mine.end; ++i) {
      window.input = input_ + i * p_.in[2];
      output_[i] = p_.scale * reduce_line(window);
    }
  }

  static constexpr int64_t kTogether = 64;

  const tfn_reduce_window& p_;
  const float* const input_;
  float* const output_;
};

}  // namespace

void TFN_KERNEL(reduce_window_f32)(const void* params, const tfn_operands* operands,
                                   tfn_part part) {
  const tfn_reduce_window& p = *(const tfn_reduce_window*)params;
  switch (p.operation) {
    case TFN_REDUCE_SUM: return ReduceWindow<Sum>(p, *operands).run(part);
    case TFN_REDUCE_MAX: return ReduceWindow<Largest>(p, *operands).run(part);
    default: return ReduceWindow<Smallest>(p, *operands).run(part);
  }
}
