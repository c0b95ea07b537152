// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Depthwise convolution of quantized arrays. For a few channels, the lines that an
// output line sees are interleaved, four at a time, into quads in the scratch, where
// padding holds the input's zero. Neighbouring pixels are then accumulated in
// registers, a vector of channels at a time. Where it needs no more quads, two output
// lines share them, with weights that are shifted by a line.
#include "int8/depthwise_floats.h"
#include "int8/depthwise_tile.h"
#include "int8/look_up.h"
#include "part.h"

using namespace TFN_NAMESPACE;

namespace {

int64_t round_up(int64_t a, int64_t unit) { return (a + unit - 1) / unit * unit; }

class Depthwise {
 public:
  Depthwise(const tfn_conv_int8& p, const tfn_operands& operands)
      : p_(p),
        conv_(p.conv),
        input_((const uint8_t*)operands.lhs),
        addend_((const uint8_t*)operands.addend),
        output_((uint8_t*)operands.out),
        weights_((const int8_t*)operands.rhs),
        padded_(round_up(conv_.in_channels, TFN_PANEL)),
        groups_((conv_.kernel[1] + 3) / 4),
        lines_(shares_quads() ? 2 : 1),
        columns_(TFN_DEPTHWISE_INT8_COLUMNS(conv_.kernel[1], conv_.kernel[2],
                                            conv_.stride[2], conv_.window_dilation[2])),
        scratch_((uint8_t*)operands.scratch) {
    memset(zeros_, p.input_zero, sizeof zeros_);
  }

  // Blocks of channels, and lines of the output of each, are divided among the parts.
  void run(tfn_part part) {
    const int64_t blocks = (conv_.in_channels + kChannels - 1) / kChannels;
    const int64_t steps = (conv_.out[1] + lines_ - 1) / lines_;
    const Range mine = share(blocks * conv_.batch * steps, 1, part);
    int64_t prepared = -1;
    for (int64_t i = mine.begin; i < mine.end; ++i) {
      const int64_t block = i / (conv_.batch * steps);
      if (block != prepared) prepare(block * kChannels);
      prepared = block;
      run_lines(i / steps % conv_.batch, i % steps * lines_);
    }
  }

 private:
  bool shares_quads() const {
    return conv_.out[1] > 1 && conv_.stride[1] == 1 && conv_.window_dilation[1] == 1 &&
           conv_.kernel[1] % 4 != 0;
  }

  // Chooses a block of channels and interleaves its weights.
  void prepare(int64_t first) {
    const int64_t left = conv_.in_channels - first;
    first_ = first;
    channels_ = left < kChannels ? left : kChannels;
    block_ = round_up(channels_, TFN_PANEL);
    const auto* const behind =
        (const int32_t*)(weights_ + conv_.kernel[1] * conv_.kernel[2] * padded_);
    constants_ = {behind + first, behind + padded_ + first,
                  (const float*)(behind + 2 * padded_) + first, false};
    constants_.are_small = p_.addend_scale < 0x1p21f;
    for (int64_t c = 0; c < channels_; ++c) {
      if (!(constants_.multiplier[c] < 0.5f)) constants_.are_small = false;
    }
    quads_ = scratch_ + groups_ * conv_.kernel[2] * lines_ * kWeightColumn;
    uint8_t* to = scratch_;
    for (int64_t group = 0; group < groups_; ++group) {
      for (int64_t column = 0; column < conv_.kernel[2]; ++column) {
        for (int64_t line = 0; line < lines_; ++line, to += kWeightColumn) {
          interleave_weights(group * 4 - line, column, to);
        }
      }
    }
  }

  // Of four lines of the kernel from `line` on.
  void interleave_weights(int64_t line, int64_t column, uint8_t* to) const {
    static const uint8_t kNothing[kChannels] = {};
    const uint8_t* from[4];
    for (int j = 0; j < 4; ++j, ++line) {
      from[j] = line >= 0 && line < conv_.kernel[1]
                    ? (const uint8_t*)weights_ +
                          (line * conv_.kernel[2] + column) * padded_ + first_
                    : kNothing;
    }
    uint8_t quads[kColumn];
    interleave<0>(from, block_, quads);
    store_weights(quads, block_, to);
  }

  void run_lines(int64_t image, int64_t h) {
    const int64_t span = (conv_.kernel[2] - 1) * conv_.window_dilation[2] + 1;
    const int64_t most = ((columns_ - span) / conv_.stride[2] + 1) / kPixels * kPixels;
    for (int64_t w = 0; w < conv_.out[2]; w += most) {
      const int64_t left = conv_.out[2] - w, count = left < most ? left : most;
      const int64_t columns = (round_up(count, kPixels) - 1) * conv_.stride[2] + span;
      fill_quads(image, h, w * conv_.stride[2] - conv_.padding_low[2], columns);
      const int64_t lines = conv_.out[1] - h < lines_ ? conv_.out[1] - h : lines_;
      compute(offset(image, h, w), lines, count, columns);
    }
  }

  // Of the first of the block's channels, in the output.
  int64_t offset(int64_t image, int64_t h, int64_t w) const {
    const int64_t row =
        TFN_INT8_ROW_BYTES(conv_.out[1] * conv_.out[2] * conv_.in_channels);
    return image * row + (h * conv_.out[2] + w) * conv_.in_channels + first_;
  }

  // The input that lines from h on see, from a column on.
  void fill_quads(int64_t image, int64_t h, int64_t first, int64_t columns) {
    const int64_t row = conv_.in[2] * conv_.in_channels;
    const uint8_t* const input =
        input_ + image * TFN_INT8_ROW_BYTES(conv_.in[1] * row) + first_;
    const int64_t begin = clamp(-first, 0, columns);
    const int64_t end = clamp(conv_.in[2] - first, begin, columns);
    uint8_t* to = quads_;
    for (int64_t group = 0; group < groups_; ++group) {
      const uint8_t* from[4];
      int64_t step[4];
      for (int j = 0; j < 4; ++j) {
        const int64_t k = group * 4 + j;
        const int64_t y =
            h * conv_.stride[1] - conv_.padding_low[1] + k * conv_.window_dilation[1];
        const bool is_read =
            k < conv_.kernel[1] + lines_ - 1 && y >= 0 && y < conv_.in[1];
        from[j] =
            is_read ? input + y * row + (first + begin) * conv_.in_channels : zeros_;
        step[j] = is_read ? conv_.in_channels : 0;
      }
      to = fill_columns({zeros_, zeros_, zeros_, zeros_}, {0, 0, 0, 0}, begin, to);
      to = fill_columns({from[0], from[1], from[2], from[3]},
                        {step[0], step[1], step[2], step[3]}, end - begin, to);
      to = fill_columns({zeros_, zeros_, zeros_, zeros_}, {0, 0, 0, 0}, columns - end,
                        to);
    }
  }

  struct Lines {
    const uint8_t* from[4];
  };
  struct Steps {
    int64_t bytes[4];
  };

  uint8_t* fill_columns(Lines lines, Steps steps, int64_t count, uint8_t* to) const {
    const int64_t whole = channels_ / TFN_PANEL * TFN_PANEL;
    for (int64_t column = 0; column < count; ++column, to += kColumn) {
      interleave<kActivationBits>(lines.from, whole, to);
      if (whole < channels_) fill_rest(lines, whole, to + whole * kQuad);
      UNROLL for (int j = 0; j < 4; ++j) lines.from[j] += steps.bytes[j];
    }
    return to;
  }

  // The channels from `c` on, with zeros behind the last.
  void fill_rest(const Lines& lines, int64_t c, uint8_t* to) const {
    uint8_t rest[4][TFN_PANEL] = {};
    for (int j = 0; j < 4; ++j) {
      memcpy(rest[j], lines.from[j] + c, (size_t)(channels_ - c));
    }
    interleave<kActivationBits>({rest[0], rest[1], rest[2], rest[3]}, TFN_PANEL, to);
  }

  static int64_t clamp(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
  }

  // `count` pixels of one or two lines, of which the first is at `offset`.
  void compute(int64_t offset, int64_t lines, int64_t count, int64_t columns) const {
    const Tile tile = {quads_,
                       scratch_,
                       groups_,
                       columns * kColumn,
                       conv_.kernel[2],
                       conv_.stride[2],
                       conv_.window_dilation[2]};
    if (lines_ == 2) {
      choose_width<2>(tile, offset, lines, count);
    } else {
      choose_width<1>(tile, offset, lines, count);
    }
    if (!p_.result.table) return;
    for (int64_t line = 0; line < lines; ++line) {
      uint8_t* at = output_ + offset + line * conv_.out[2] * conv_.in_channels;
      for (int64_t i = 0; i < count; ++i, at += conv_.in_channels) {
        look_up(p_.result.table, at, at, channels_);
      }
    }
  }

  template <int kLines>
  void choose_width(const Tile& t, int64_t offset, int64_t lines, int64_t count) const {
    const int64_t stride = t.dilation == 1 ? t.stride : 0;
    if (t.width == 3 && stride == 1) {
      return run_tiles<kLines, KnownWidth<kLines, 3, 1>>(t, offset, lines, count);
    }
    if (t.width == 3 && stride == 2) {
      return run_tiles<kLines, KnownWidth<kLines, 3, 2>>(t, offset, lines, count);
    }
    if (t.width == 5 && stride == 1) {
      return run_tiles<kLines, KnownWidth<kLines, 5, 1>>(t, offset, lines, count);
    }
    if (t.width == 5 && stride == 2) {
      return run_tiles<kLines, KnownWidth<kLines, 5, 2>>(t, offset, lines, count);
    }
    run_tiles<kLines, AnyWidth<kLines>>(t, offset, lines, count);
  }

  template <int kLines, typename Kernel>
  void run_tiles(Tile tile, int64_t offset, int64_t lines, int64_t count) const {
    constexpr int kSums = together(kLines);
    const int64_t line_bytes = conv_.out[2] * conv_.in_channels;
    for (int64_t c = 0; c < channels_; c += kLanes) {
      const Finish finish(p_, constants_, c);
      const int64_t lanes = channels_ - c < kLanes ? channels_ - c : kLanes;
      for (int64_t first = 0; first < lines; first += kSums) {
        tile.weights = scratch_ + first * kWeightColumn;
        tile.quads = quads_;
        int64_t at = offset + first * line_bytes + c;
        for (int64_t i = 0; i < count; i += kPixels) {
          Sum sums[kSums][kPixels];
          add_groups<kLines, Kernel>(tile, c, finish.start(), sums);
          tile.quads += kPixels * tile.stride * kColumn;
          const int64_t pixels = count - i < kPixels ? count - i : kPixels;
          UNROLL for (int line = 0; line < kSums; ++line) {
            if (first + line >= lines) break;
            const int64_t to = at + line * line_bytes;
            const Target target = {output_ + to, addend_ ? addend_ + to : nullptr,
                                   conv_.in_channels, pixels, lanes};
            store_pixels(sums[line], finish, target);
          }
          at += kPixels * conv_.in_channels;
        }
      }
    }
  }

  template <int kLines, typename Kernel, int kSums>
  static INLINE void add_groups(Tile tile, int64_t c, const Sum& start,
                                Sum (&sums)[kSums][kPixels]) {
    UNROLL for (int line = 0; line < kSums; ++line) {
      UNROLL for (int i = 0; i < kPixels; ++i) sums[line][i] = start;
    }
    for (int64_t group = 0; group < tile.groups; ++group) {
      Kernel::add(tile, c, sums);
      tile.quads += tile.group_bytes;
      tile.weights += tile.width * kLines * kWeightColumn;
    }
  }

  const tfn_conv_int8& p_;
  const tfn_conv& conv_;
  const uint8_t *const input_, *const addend_;
  uint8_t* const output_;
  const int8_t* const weights_;
  const int64_t padded_, groups_, lines_, columns_;
  uint8_t* const scratch_;
  uint8_t zeros_[kChannels];

  // Of the block of channels: the first, how many, and how many with padding.
  int64_t first_ = 0, channels_ = 0, block_ = 0;
  Constants constants_ = {};
  uint8_t* quads_ = nullptr;
};

}  // namespace

void TFN_KERNEL(conv_depthwise_int8)(const void* params, const tfn_operands* operands,
                                     tfn_part part) {
  const tfn_conv_int8& p = *(const tfn_conv_int8*)params;
  if constexpr (kDepthwiseFloats) {
    if (DepthwiseFloats::takes(p.conv)) return DepthwiseFloats(p, *operands).run(part);
  }
  Depthwise(p, *operands).run(part);
}
