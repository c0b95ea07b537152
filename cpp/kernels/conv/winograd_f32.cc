// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Convolution of f32 by Winograd's algorithm, a block of tiles at a time. The values of
// the tiles at each point are a matrix (tiles, channels), which is multiplied with the
// weights' values at that point; results are interpolated from the products.
#include <math.h>

#include "conv/winograd.h"
#include "conv/winograd_scales.h"
#include "gemm/gemm.h"

using namespace TFN_NAMESPACE;

namespace {

constexpr tfn_part kAll = {0, 1};

// Parts with fewer tiles than this would read the weights for longer than multiply.
constexpr int64_t kFewTiles = 12;

int64_t whole_panels(int64_t channels) {
  return (channels + TFN_PANEL - 1) / TFN_PANEL * TFN_PANEL;
}

int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// Tiles in each dimension of an image.
struct Grid {
  int64_t lines, columns;
};

// Where the results of a tile begin.
struct Place {
  int64_t image, h, w;
};

// Tiles that are computed together, at most.
constexpr int64_t kMostTiles = TFN_WINOGRAD_TILES_AT_ONCE;

// A tile, whether its values at all points are finite, and the pass over it.
struct Tile {
  int64_t index;
  bool is_finite;
  Pass pass;
};

class Winograd {
 public:
  Winograd(const tfn_conv& p, const tfn_operands& operands)
      : p_(p),
        operands_(operands),
        epilogue_(p.epilogue, operands),
        grid_{(p.out[1] + kTileOut - 1) / kTileOut,
              (p.out[2] + kTileOut - 1) / kTileOut},
        tiles_(p.batch * grid_.lines * grid_.columns),
        block_(TFN_WINOGRAD_BLOCK(tiles_, p.in_channels)),
        line_(whole_panels(p.in_channels)),
        group_(smaller(whole_panels(p.out_channels), TFN_WINOGRAD_CHANNELS)),
        // A line of cache more than needed: at a multiple of 4096 bytes, the values of
        // all points would be in the same few sets of the cache.
        value_stride_(block_ * line_ + TFN_PANEL),
        product_stride_(block_ * group_ + TFN_PANEL),
        zeros_((float*)operands.scratch),
        values_(zeros_ + line_),
        products_(values_ + kPoints * value_stride_) {
    memset(operands.scratch, 0, (size_t)line_ * sizeof(float));
  }

  void run(tfn_part part) {
    Range tiles = {0, tiles_}, channels = {0, p_.out_channels};
    if (tiles_ < kFewTiles * part.count && p_.out_channels > TFN_PANEL) {
      channels = share(p_.out_channels, TFN_PANEL, part);
    } else {
      tiles = share(tiles_, kMaxRows, part);
    }
    if (channels.begin == channels.end) return;
    while (tiles.begin < tiles.end) {
      const int64_t count = next_tiles(tiles.end - tiles.begin);
      run_block({tiles.begin, tiles.begin + count}, channels);
      tiles.begin += count;
    }
  }

 private:
  // How many of `left` tiles go into the next block, so that all blocks are nearly
  // equal, and of whole register tiles.
  int64_t next_tiles(int64_t left) const {
    const int64_t blocks = (left + block_ - 1) / block_;
    const int64_t equal = (left + blocks - 1) / blocks;
    const int64_t whole = (equal + kMaxRows - 1) / kMaxRows * kMaxRows;
    return smaller(left, smaller(whole, block_));
  }

  // Tiles are counted line by line, one image after the other.
  Place place(int64_t tile) const {
    const int64_t line = tile / grid_.columns;
    return {line / grid_.lines, line % grid_.lines * kTileOut,
            tile % grid_.columns * kTileOut};
  }

  void run_block(Range tiles, Range channels) {
    Cells cells;
    uint64_t uneven = 0, odd = 0;  // A bit for each tile.
    static_assert(kMostTiles <= 64, "");
    for (int64_t t = tiles.begin; t < tiles.end; ++t) {
      const float* pixels[kPoints];
      const Place at = place(t);
      find_pixels(at, pixels);
      const bool follows = t > tiles.begin && at.w > 0;
      const uint64_t bit = (uint64_t)1 << (t - tiles.begin);
      if (cells.enter(pixels, zeros_, p_.in_channels, follows)) uneven |= bit;
      if (!enter_tile(pixels, values_ + (t - tiles.begin) * line_)) odd |= bit;
    }
    if (uneven & ~odd) return run_in_passes(tiles, uneven, odd, channels);
    for (int64_t c = channels.begin; c < channels.end; c += group_) {
      const int64_t count = smaller(channels.end - c, group_);
      multiply_group(tiles.end - tiles.begin, c, whole_panels(count));
      for (int64_t t = tiles.begin; t < tiles.end; ++t) {
        const int64_t at = t - tiles.begin;
        leave_tile<true>(place(t), odd >> at & 1 ? nullptr : products_ + at * group_, c,
                         count, kAllResults);
      }
    }
  }

  // A block with tiles of which some results see far less than others. What becomes of
  // a tile must not depend on the others.
  __attribute__((noinline)) void run_in_passes(Range range, uint64_t uneven,
                                               uint64_t odd, Range channels) {
    Tile tiles[kMostTiles];
    int64_t count = range.end - range.begin;
    for (int64_t t = 0; t < count; ++t) {
      const uint32_t results = existing(place(range.begin + t));
      tiles[t] = {range.begin + t, (odd >> t & 1) == 0, {results, 0, INFINITY}};
      if ((uneven & ~odd) >> t & 1) tiles[t].pass = {0, results, INFINITY};
    }
    while (count > 0) {
      for (int64_t t = 0; t < count; ++t) {
        const float* pixels[kPoints];
        Pass& pass = tiles[t].pass;
        find_pixels(place(tiles[t].index), pixels);
        if (pass.later) {
          pass = plan_pass(pixels, zeros_, p_.in_channels, pass.later, pass.limit);
        }
        enter_tile(pixels, values_ + t * line_);
      }
      finish_pass(tiles, count, channels);
      int64_t left = 0;
      for (int64_t t = 0; t < count; ++t) {
        if (tiles[t].pass.later) tiles[left++] = tiles[t];
      }
      count = left;
    }
  }

  void finish_pass(const Tile* tiles, int64_t count, Range channels) const {
    for (int64_t c = channels.begin; c < channels.end; c += group_) {
      const int64_t some = smaller(channels.end - c, group_);
      multiply_group(count, c, whole_panels(some));
      for (int64_t t = 0; t < count; ++t) {
        const float* const from = tiles[t].is_finite ? products_ + t * group_ : nullptr;
        leave_tile<false>(place(tiles[t].index), from, c, some, tiles[t].pass.now);
      }
    }
  }

  // The results of a tile that are in the image.
  uint32_t existing(const Place& at) const {
    uint32_t found = 0;
    for (int r = 0; r < kResults; ++r) {
      const bool inside =
          at.h + r / kTileOut < p_.out[1] && at.w + r % kTileOut < p_.out[2];
      found |= (uint32_t)inside << r;
    }
    return found;
  }

  INLINE void find_pixels(const Place& at, const float** pixels) const {
    const float* const image =
        operands_.lhs + at.image * p_.in[1] * p_.in[2] * p_.in_channels;
    for (int i = 0; i < kTileIn; ++i) {
      const int64_t h = at.h + i - p_.padding_low[1];
      for (int j = 0; j < kTileIn; ++j) {
        const int64_t w = at.w + j - p_.padding_low[2];
        const bool inside = h >= 0 && h < p_.in[1] && w >= 0 && w < p_.in[2];
        pixels[i * kTileIn + j] =
            inside ? image + (h * p_.in[2] + w) * p_.in_channels : zeros_;
      }
    }
  }

  // Whether all values are finite.
  bool enter_tile(const float* const* pixels, float* to) const {
    Vec signs = {};  // NaN where a value is not finite.
    int64_t c = 0;
    for (; c + kLanes <= p_.in_channels; c += kLanes) {
      signs += transform_input<true>(pixels, c, kLanes, to + c, value_stride_);
    }
    if (c < p_.in_channels) {
      signs +=
          transform_input<false>(pixels, c, p_.in_channels - c, to + c, value_stride_);
    }
    return is_zero(signs);
  }

  // The sums of a tile as they are defined: what is not finite reaches no result but
  // those that it is part of. Rare, and slower.
  __attribute__((noinline)) void sum_tile(const Place& at, int64_t channel,
                                          Vec (&sums)[kTileOut][kTileOut]) const {
    const float* pixels[kPoints];
    find_pixels(at, pixels);
    const int64_t of_point = whole_panels(p_.out_channels) * p_.in_channels;
    const float* const panel = (const float*)operands_.rhs +
                               channel / TFN_PANEL * p_.in_channels * TFN_PANEL +
                               channel % TFN_PANEL;
    for (auto& line : sums) {
      for (Vec& sum : line) sum = Vec{};
    }
    for (int64_t c = 0; c < p_.in_channels; ++c) {
      Vec weights[kKernel][kKernel];
      find_weights(panel + c * TFN_PANEL, of_point, weights);
      for (int i = 0; i < kTileOut * kTileOut * kKernel * kKernel; ++i) {
        const int k = i % (kKernel * kKernel), out = i / (kKernel * kKernel);
        const int h = out / kTileOut, w = out % kTileOut;
        const float* const pixel =
            pixels[(h + k / kKernel) * kTileIn + w + k % kKernel];
        sums[h][w] += broadcast(pixel[c]) * weights[k / kKernel][k % kKernel];
      }
    }
  }

  // The products of all points, of output channels from `channel` on.
  void multiply_group(int64_t tiles, int64_t channel, int64_t count) const {
    const tfn_epilogue none = {TFN_LINEAR, -INFINITY, INFINITY};
    const Epilogue epilogue(none, {});
    const int64_t panel = p_.in_channels * TFN_PANEL;
    const int64_t of_point = whole_panels(p_.out_channels) * p_.in_channels;
    for (int point = 0; point < kPoints; ++point) {
      const float* const weights =
          (const float*)operands_.rhs + point * of_point + channel / TFN_PANEL * panel;
      const Product product = {tiles,
                               count,
                               p_.in_channels,
                               {values_ + point * value_stride_, line_, 1},
                               {weights, TFN_PANEL, panel},
                               {products_ + point * product_stride_, group_, 1},
                               &epilogue,
                               0};
      multiply(product, kAll);
    }
  }

  // `from`: the products, or null if the values are not all finite. `wanted`: which
  // results, if not all.
  template <bool kAllOfThem>
  void leave_tile(const Place& at, const float* from, int64_t channel, int64_t count,
                  uint32_t wanted) const {
    const int64_t lines = smaller(p_.out[1] - at.h, kTileOut);
    const int64_t columns = smaller(p_.out[2] - at.w, kTileOut);
    const int64_t line = p_.out[2] * p_.out_channels;
    float* const out = operands_.out + (at.image * p_.out[1] + at.h) * line +
                       at.w * p_.out_channels + channel;
    for (int64_t c = 0; c < count; c += kLanes) {
      Vec results[kTileOut][kTileOut];
      if (from != nullptr) {
        transform_output(from + c, product_stride_, results);
      } else {
        sum_tile(at, channel + c, results);
      }
      float* to[kTileOut * kTileOut];
      int pixels = 0;
      for (int64_t i = 0; i < lines; ++i) {
        for (int64_t j = 0; j < columns; ++j) {
          if (!kAllOfThem && !(wanted >> (i * kTileOut + j) & 1)) continue;
          to[pixels] = out + i * line + j * p_.out_channels + c;
          finish(results[i][j], channel + c, to[pixels++], count - c);
        }
      }
      if (epilogue_.has_activation() && count - c >= kLanes) {
        epilogue_.activate(to, pixels, 1);
      }
    }
  }

  // All but the activation; `count`: channels from this one on. Fewer than a vector
  // has get theirs here, too.
  void finish(Vec sum, int64_t channel, float* to, int64_t count) const {
    if (count < kLanes) return epilogue_.finish(sum, channel, to, 1, count);
    if (const float* const bias = epilogue_.bias(channel)) sum += load(bias);
    if (const float* const addend = epilogue_.addend(to)) sum += load(addend);
    store(to, epilogue_.clamp()(sum));
  }

  const tfn_conv& p_;
  const tfn_operands& operands_;
  const Epilogue epilogue_;
  const Grid grid_;
  const int64_t tiles_, block_;
  const int64_t line_, group_;                   // Channels, padded.
  const int64_t value_stride_, product_stride_;  // From point to point.
  float* const zeros_;
  float* const values_;
  float* const products_;
};

}  // namespace

void TFN_KERNEL(conv_winograd_f32)(const void* params, const tfn_operands* operands,
                                   tfn_part part) {
  Winograd(*(const tfn_conv*)params, *operands).run(part);
}
