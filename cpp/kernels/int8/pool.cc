// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Pooling of quantized arrays, a few vectors of channels at a time.
#include "int8/runs.h"
#include "reduce/span.h"

using namespace TFN_NAMESPACE;

namespace {

// The places of a window that are not padding, and where the first one is in memory.
struct Window {
  const uint8_t* input;
  int64_t size[3], step[3];

  int64_t places() const { return size[0] * size[1] * size[2]; }

  // Calls visit(place) for each, with its first channel.
  template <typename Visit>
  INLINE void for_each(const Visit& visit) const {
    for (int64_t d = 0; d < size[0]; ++d) {
      for (int64_t h = 0; h < size[1]; ++h) {
        const uint8_t* from = input + d * step[0] + h * step[1];
        for (int64_t w = 0; w < size[2]; ++w, from += step[2]) visit(from);
      }
    }
  }
};

// The largest bytes, which need no requantizing.
class Largest {
 public:
  static constexpr int64_t kChannels = 16;  // Of a vector.

  explicit Largest(const tfn_pool_int8&) {}
  void begin(const Window&) {}

  // Reduces kVectors vectors of channels from `c` on.
  template <int kVectors>
  INLINE void reduce(const Window& window, int64_t c, uint8_t* out) const {
    Block largest[kVectors];
    UNROLL for (int v = 0; v < kVectors; ++v) largest[v] = Block{};
    window.for_each([&](const uint8_t* from) {
      UNROLL for (int v = 0; v < kVectors; ++v) {
        Block x;
        memcpy(&x, from + c + v * kChannels, sizeof x);
        largest[v] = x > largest[v] ? x : largest[v];
      }
    });
    memcpy(out + c, largest, sizeof largest);
  }

  INLINE void reduce_some(const Window& window, int64_t c, int64_t end,
                          uint8_t* out) const {
    for (; c < end; ++c) {
      uint8_t largest = 0;
      window.for_each([&](const uint8_t* from) {
        largest = from[c] > largest ? from[c] : largest;
      });
      out[c] = largest;
    }
  }

  void finish(uint8_t*, int64_t) const {}

 private:
  typedef uint8_t Block __attribute__((vector_size(kChannels)));
};

class Average {
 public:
  static constexpr int64_t kChannels = kLanes;

  explicit Average(const tfn_pool_int8& p) : p_(p), requantize_(p.result) {}

  // Before what is reduced of a window.
  void begin(const Window& window) {
    const auto places = (int32_t)window.places();
    multiplier_ = broadcast(p_.multiplier / (float)places);
    zeros_ = (int32_t)((uint32_t)places * (uint32_t)p_.input_zero) - IntVec{};
  }

  template <int kVectors>
  INLINE void reduce(const Window& window, int64_t c, uint8_t* out) const {
    IntVec sum[kVectors];
    UNROLL for (int v = 0; v < kVectors; ++v) sum[v] = IntVec{};
    window.for_each([&](const uint8_t* from) {
      UNROLL for (int v = 0; v < kVectors; ++v) {
        sum[v] += load_bytes(from + c + v * kLanes);
      }
    });
    IntVec q[4];
    UNROLL for (int v = 0; v < kVectors; ++v) q[v] = quantized(sum[v]);
    if (kVectors == 4) return store_bytes(out + c, q);
    UNROLL for (int v = 0; v < kVectors; ++v) store_bytes(out + c + v * kLanes, q[v]);
  }

  // Of fewer channels than a vector has.
  INLINE void reduce_some(const Window& window, int64_t c, int64_t end,
                          uint8_t* out) const {
    for (; c < end; ++c) {
      uint32_t sum = 0;
      window.for_each([&](const uint8_t* from) { sum += from[c]; });
      store_some_bytes(out + c, quantized((int32_t)sum - IntVec{}), 1);
    }
  }

  // Of `count` channels that are stored.
  void finish(uint8_t* out, int64_t count) const {
    if (p_.result.table) look_up(p_.result.table, out, out, count);
  }

 private:
  INLINE IntVec quantized(IntVec sum) const {
    return requantize_(
        rounded(__builtin_convertvector(sum - zeros_, Vec) * multiplier_));
  }

  const tfn_pool_int8& p_;
  const Requantize requantize_;
  Vec multiplier_;
  IntVec zeros_;
};

template <typename Operation>
class Pool {
 public:
  Pool(const tfn_pool_int8& p, const tfn_operands& operands)
      : p_(p.window),
        operation_(p),
        input_((const uint8_t*)operands.lhs),
        output_((uint8_t*)operands.out),
        row_(p_.in[2] * p_.channels),
        slice_(p_.in[1] * row_),
        input_bytes_(TFN_INT8_ROW_BYTES(p_.in[0] * slice_)),
        output_bytes_(
            TFN_INT8_ROW_BYTES(p_.out[0] * p_.out[1] * p_.out[2] * p_.channels)) {}

  // Lines of the output, or if they are few, channels are divided among the parts.
  void run(tfn_part part) {
    const int64_t lines = p_.batch * p_.out[0] * p_.out[1];
    Range mine = {0, lines}, channels = {0, p_.channels};
    if (lines >= part.count) {
      mine = share(lines, 1, part);
    } else {
      channels = share(p_.channels, kLeastChannels, part);
    }
    if (channels.begin == channels.end) return;
    for (int64_t i = mine.begin; i < mine.end; ++i) reduce_line(i, channels);
  }

 private:
  void reduce_line(int64_t line, Range channels) {
    const int64_t h = line % p_.out[1], d = line / p_.out[1] % p_.out[0];
    const int64_t image = line / (p_.out[1] * p_.out[0]);
    const Span deep = span_of(p_, 0, d), high = span_of(p_, 1, h);
    const uint8_t* const input =
        input_ + image * input_bytes_ + deep.first * slice_ + high.first * row_;
    Window window = {input,
                     {deep.size, high.size, 0},
                     {slice_ * p_.window_dilation[0], row_ * p_.window_dilation[1],
                      p_.channels * p_.window_dilation[2]}};
    uint8_t* out =
        output_ + image * output_bytes_ + (d * p_.out[1] + h) * p_.out[2] * p_.channels;
    for (int64_t w = 0; w < p_.out[2]; ++w, out += p_.channels) {
      const Span wide = span_of(p_, 2, w);
      window.input = input + wide.first * p_.channels;
      window.size[2] = wide.size;
      operation_.begin(window);
      reduce(window, channels, out);
      operation_.finish(out + channels.begin, channels.end - channels.begin);
    }
  }

  // The last vector may begin inside the one before it.
  void reduce(const Window& window, Range channels, uint8_t* out) const {
    constexpr int64_t kVector = Operation::kChannels;
    int64_t c = channels.begin;
    for (; c + 4 * kVector <= channels.end; c += 4 * kVector) {
      operation_.template reduce<4>(window, c, out);
    }
    for (; c + kVector <= channels.end; c += kVector) {
      operation_.template reduce<1>(window, c, out);
    }
    if (c == channels.end) return;
    if (channels.end - channels.begin >= kVector) {
      operation_.template reduce<1>(window, channels.end - kVector, out);
    } else {
      operation_.reduce_some(window, c, channels.end, out);
    }
  }

  static constexpr int64_t kLeastChannels = 64;  // Of a part.

  const tfn_reduce_window& p_;
  Operation operation_;
  const uint8_t* const input_;
  uint8_t* const output_;
  const int64_t row_, slice_, input_bytes_, output_bytes_;
};

}  // namespace

void TFN_KERNEL(pool_max_int8)(const void* params, const tfn_operands* operands,
                               tfn_part part) {
  Pool<Largest>(*(const tfn_pool_int8*)params, *operands).run(part);
}

void TFN_KERNEL(pool_average_int8)(const void* params, const tfn_operands* operands,
                                   tfn_part part) {
  Pool<Average>(*(const tfn_pool_int8*)params, *operands).run(part);
}
