// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Pooling and reductions of f32: each result is reduced from the places of a window.
// Many channels are reduced a vector at a time; of one channel, a vector holds places
// that lie next to each other.
#include "part.h"
#include "reduce/operations.h"
#include "reduce/span.h"

using namespace TFN_NAMESPACE;

namespace {

// The places of a window that are not padding, and where the first one is in memory.
struct Window {
  const float* input;
  int64_t size[3], step[3];
};

// As many are joined before they are joined with others: errors of a sum grow with its
// length, and those of a sum of sums hardly do.
constexpr int64_t kTogether = 64;

// What places of a window are joined to, or parts of kTogether places.
template <typename Operation, int kVectors>
class Joined {
 public:
  INLINE explicit Joined(float init) {
    UNROLL for (int v = 0; v < kVectors; ++v) result[v] = broadcast(init);
  }

  INLINE void add(const Vec (&part)[kVectors]) {
    UNROLL for (int v = 0; v < kVectors; ++v) {
      result[v] = Operation::join(result[v], part[v]);
    }
    if (Operation::kRounds && --left_ == 0) keep();
  }

  // After the last part.
  INLINE void finish() {
    if (!any_kept_) return;
    UNROLL for (int v = 0; v < kVectors; ++v) result[v] += kept_[v] + most_[v];
  }

  Vec result[kVectors];

 private:
  INLINE void keep() {
    UNROLL for (int v = 0; v < kVectors; ++v) {
      kept_[v] += result[v];
      result[v] = Vec{};
    }
    left_ = kTogether;
    any_kept_ = true;
    if (++times_ < kTogether) return;
    UNROLL for (int v = 0; v < kVectors; ++v) {
      most_[v] += kept_[v];
      kept_[v] = Vec{};
    }
    times_ = 0;
  }

  Vec kept_[kVectors] = {}, most_[kVectors] = {};
  int64_t left_ = kTogether;  // Of parts, until their sum is kept.
  int64_t times_ = 0;         // That one was.
  bool any_kept_ = false;
};

template <typename Operation>
class ReduceWindow {
 public:
  ReduceWindow(const tfn_reduce_window& p, const tfn_operands& operands)
      : p_(p),
        input_(operands.lhs),
        input_end_(input_ + p.batch * p.in[0] * p.in[1] * p.in[2] * p.channels),
        output_(operands.out) {}

  // Rows, lines of the output, or if they are few, channels are divided among the
  // parts.
  void run(tfn_part part) const {
    if (reduces_rows()) return reduce_rows(part);
    const int64_t lines = p_.batch * p_.out[0] * p_.out[1];
    Range mine = {0, lines}, channels = {0, p_.channels};
    if (lines >= part.count) {
      mine = share(lines, 1, part);
    } else {
      // The last part has all that is left, so that no part has less than a vector.
      channels = share(p_.channels / kBlock * kBlock, kBlock, part);
      if (part.index == part.count - 1) channels.end = p_.channels;
    }
    if (channels.begin == channels.end) return;
    for (int64_t i = mine.begin; i < mine.end; ++i) reduce_line(i, channels);
  }

 private:
  // Every place belongs to one window, whose places lie next to each other.
  bool reduces_rows() const {
    bool rows = p_.channels == 1 && p_.kernel[0] == 1 && p_.kernel[1] == 1;
    for (int d = 0; d < 3; ++d) {
      rows = rows && p_.padding_low[d] == 0 && p_.window_dilation[d] == 1 &&
             p_.out[d] * p_.kernel[d] == p_.in[d] &&
             (p_.stride[d] == p_.kernel[d] || p_.out[d] == 1);
    }
    return rows;
  }

  void reduce_rows(tfn_part part) const {
    const int64_t length = p_.kernel[2];
    const Range mine = share(p_.batch * p_.out[0] * p_.out[1] * p_.out[2], 1, part);
    for (int64_t i = mine.begin; i < mine.end; ++i) {
      output_[i] = finish(reduce_row(input_ + i * length, length));
    }
  }

  void reduce_line(int64_t line, Range channels) const {
    const int64_t h = line % p_.out[1], d = line / p_.out[1] % p_.out[0];
    const int64_t image = line / (p_.out[1] * p_.out[0]);
    const Span deep = span_of(p_, 0, d), high = span_of(p_, 1, h);
    const int64_t row = p_.in[2] * p_.channels, slice = p_.in[1] * row;
    const float* const input =
        input_ + image * p_.in[0] * slice + deep.first * slice + high.first * row;
    Window window = {input,
                     {deep.size, high.size, 0},
                     {slice * p_.window_dilation[0], row * p_.window_dilation[1],
                      p_.channels * p_.window_dilation[2]}};
    float* out = output_ + line * p_.out[2] * p_.channels;
    for (int64_t w = 0; w < p_.out[2]; ++w, out += p_.channels) {
      const Span wide = span_of(p_, 2, w);
      window.input = input + wide.first * p_.channels;
      window.size[2] = wide.size;
      if (p_.channels >= kLanes) {
        reduce_channels(window, channels, out);
      } else if (window.step[2] == 1 && wide.size >= kLanes) {
        *out = reduce_one_channel(window);
      } else {
        reduce_few_channels(window, out);
      }
    }
  }

  // The last vector may begin inside the one before it.
  void reduce_channels(const Window& window, Range channels, float* out) const {
    int64_t c = channels.begin;
    for (; c + kBlock <= channels.end; c += kBlock) reduce_vectors<4>(window, c, out);
    for (; c + kLanes <= channels.end; c += kLanes) reduce_vectors<1>(window, c, out);
    if (c < channels.end) reduce_vectors<1>(window, channels.end - kLanes, out);
  }

  template <int kVectors>
  void reduce_vectors(const Window& window, int64_t c, float* out) const {
    Joined<Operation, kVectors> joined(p_.init);
    for (int64_t d = 0; d < window.size[0]; ++d) {
      for (int64_t h = 0; h < window.size[1]; ++h) {
        const float* from = window.input + c + d * window.step[0] + h * window.step[1];
        for (int64_t left = window.size[2]; left > 0; left -= kTogether) {
          const int64_t count = left < kTogether ? left : kTogether;
          reduce_together<kVectors>(from, window.step[2], count, joined);
          from += kTogether * window.step[2];
        }
      }
    }
    joined.finish();
    UNROLL for (int v = 0; v < kVectors; ++v) {
      store(out + c + v * kLanes, joined.result[v] * broadcast(p_.scale));
    }
  }

  // Up to kTogether places.
  template <int kVectors>
  static INLINE void reduce_together(const float* from, int64_t step, int64_t count,
                                     Joined<Operation, kVectors>& joined) {
    Vec part[kVectors];
    UNROLL for (int v = 0; v < kVectors; ++v) part[v] = load(from + v * kLanes);
    for (int64_t i = 1; i < count; ++i) {
      from += step;
      UNROLL for (int v = 0; v < kVectors; ++v) {
        part[v] = Operation::join(part[v], load(from + v * kLanes));
      }
    }
    joined.add(part);
  }

  // Fewer than a vector has: the other lanes are of the next places, and ignored.
  void reduce_few_channels(const Window& window, float* out) const {
    Joined<Operation, 1> joined(p_.init);
    for (int64_t d = 0; d < window.size[0]; ++d) {
      for (int64_t h = 0; h < window.size[1]; ++h) {
        const float* from = window.input + d * window.step[0] + h * window.step[1];
        for (int64_t w = 0; w < window.size[2]; ++w, from += window.step[2]) {
          joined.add({load_some(from, p_.channels)});
        }
      }
    }
    joined.finish();
    float line[kLanes];
    store(line, joined.result[0] * broadcast(p_.scale));
    for (int64_t c = 0; c < p_.channels; ++c) out[c] = line[c];
  }

  float reduce_one_channel(const Window& window) const {
    Joined<Operation, 1> joined(p_.init);
    for (int64_t d = 0; d < window.size[0]; ++d) {
      for (int64_t h = 0; h < window.size[1]; ++h) {
        const float* from = window.input + d * window.step[0] + h * window.step[1];
        const Vec part[1] = {broadcast(reduce_row(from, window.size[2]))};
        joined.add(part);
      }
    }
    joined.finish();
    return joined.result[0][0] * p_.scale;
  }

  // A row of numbers that lie next to each other.
  INLINE float reduce_row(const float* from, int64_t length) const {
    if (length < kLanes) {
      return join_lanes<Operation>(only<Operation>(load_some(from, length), 0, length));
    }
    return join_lanes<Operation>(length <= kOfRow ? reduce_piece(from, length)
                                                  : reduce_halves(from, length));
  }

  // Of a sum by halves, errors grow with the logarithm of its length alone.
  static Vec reduce_halves(const float* from, int64_t length) {
    if (length <= kOfRow) return reduce_piece(from, length);
    const int64_t half = length / 2 / kLanes * kLanes;
    return Operation::join(reduce_halves(from, half),
                           reduce_halves(from + half, length - half));
  }

  // At least as many as a vector has.
  static INLINE Vec reduce_piece(const float* from, int64_t length) {
    Vec result = load(from);
    int64_t i = kLanes;
    if (length >= 4 * kLanes) {
      Vec more[3];
      UNROLL for (int v = 0; v < 3; ++v) more[v] = load(from + (v + 1) * kLanes);
      for (i = 4 * kLanes; i + 4 * kLanes <= length; i += 4 * kLanes) {
        result = Operation::join(result, load(from + i));
        UNROLL for (int v = 0; v < 3; ++v) {
          more[v] = Operation::join(more[v], load(from + i + (v + 1) * kLanes));
        }
      }
      result = Operation::join(Operation::join(result, more[0]),
                               Operation::join(more[1], more[2]));
    }
    for (; i + kLanes <= length; i += kLanes) {
      result = Operation::join(result, load(from + i));
    }
    if (i < length) {
      const Vec last = load(from + length - kLanes);
      const int64_t known = kLanes - (length - i);
      result = Operation::join(result, only<Operation>(last, known, kLanes));
    }
    return result;
  }

  float finish(float result) const {
    return Operation::join(broadcast(p_.init), broadcast(result))[0] * p_.scale;
  }

  // At least `count` numbers, where the input has as many as a vector.
  INLINE Vec load_some(const float* from, int64_t count) const {
    if (input_end_ - from >= kLanes) return load(from);
    float line[kLanes] = {};
    for (int64_t i = 0; i < count; ++i) line[i] = from[i];
    return load(line);
  }

  static constexpr int64_t kBlock = 4 * kLanes;
  static constexpr int64_t kOfRow = 256 * 4 * kLanes;  // In one piece.

  const tfn_reduce_window& p_;
  const float* const input_;
  const float* const input_end_;
  float* const output_;
};

}  // namespace

void TFN_KERNEL(reduce_window_f32)(const void* params, const tfn_operands* operands,
                                   tfn_part part) {
  const tfn_reduce_window& p = *(const tfn_reduce_window*)params;
  switch (p.operation) {
    case TFN_REDUCE_SUM: return ReduceWindow<Sum>(p, *operands).run(part);
    case TFN_REDUCE_MAX: return ReduceWindow<Largest>(p, *operands).run(part);
    case TFN_REDUCE_MAX_NUMBER:
      return ReduceWindow<LargestNumber>(p, *operands).run(part);
    default: return ReduceWindow<Smallest>(p, *operands).run(part);
  }
}
