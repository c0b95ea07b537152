// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "int8/convolve.h"

#include "int8/gemm/matrix.h"
#include "int8/patches.h"
#include "int8/pointers.h"
#include "part.h"

namespace TFN_NAMESPACE {
namespace {

// Pixels that are computed together, so that weights are read once for all of them.
constexpr int64_t kBlockPixels = 96 / kInt8Rows * kInt8Rows;
constexpr int64_t kMostTiles = kBlockPixels / kInt8Rows;

// Vectors of sums that are held until results are made of them: few enough to stay in
// the nearest cache beside what is multiplied.
constexpr int64_t kHeldSums = 8192 / sizeof(IntVec);
static_assert(kHeldSums >= kMostInt8Sums, "there is room for a tile");

// Most vectors of channels that are computed together.
constexpr int kMostVectors = 8;

// A few pixels.
struct PixelTile {
  int rows;
  Int8Left left;
  Int8Segment patches;  // If they are copied.
};

// Pixels of the output that are computed together.
struct PixelBlock {
  int64_t pixels, tiles;
  PixelTile tile[kMostTiles];
  Int8Block rows;            // Where a matrix unit finds them.
  int64_t at[kBlockPixels];  // Where the results of each go.
};

// Numbers behind the weights of a panel, for each channel.
constexpr int kNumbers = 3;

Int8Channels channels_of(const Int8Right& right, int vector, int input_zero) {
  const int32_t* const numbers =
      right.behind + int8_place(vector, right.panel_bytes) / 4;
  // Modulo 2^32, since only what it is added to gives a sum that fits.
  typedef uint32_t Unsigned __attribute__((vector_size(kLanes * 4)));
  const uint32_t zero = (uint32_t)(kActivationBias - input_zero);
  return {(IntVec)((Unsigned)load_ints(numbers) * zero +
                   (Unsigned)load_ints(numbers + TFN_PANEL)),
          load((const float*)(numbers + 2 * TFN_PANEL))};
}

class Int8Convolution {
 public:
  Int8Convolution(const tfn_conv_int8& p, const tfn_operands& o,
                  const Int8Finisher& finisher)
      : p_(p),
        o_(o),
        finisher_(finisher),
        pixels_(p.conv.batch * p.conv.out[0] * p.conv.out[1] * p.conv.out[2]),
        channels_(p.conv.out_channels / p.conv.groups),
        k_(p.conv.kernel[0] * p.conv.kernel[1] * p.conv.kernel[2] *
           (p.conv.in_channels / p.conv.groups)),
        room_(TFN_CONV_INT8_PIXELS(pixels_, k_) * int8_scratch_bytes(k_) /
              int8_patch_bytes(k_)),
        matrix_(takes_int8_matrix(room_, k_)) {}

  void run(tfn_part part) const {
    Range pixels = {0, pixels_}, channels = {0, channels_};
    // All parts read all weights, or all read all input: the former once each has
    // pixels for a few tiles.
    constexpr int64_t kRows = kHasInt8Matrix ? kMatrixRows : kInt8Rows;
    if (pixels_ >= channels_ || pixels_ >= 4 * kRows * (int64_t)part.count) {
      pixels = share(pixels_, kRows, part);
    } else {
      channels = share(channels_, TFN_PANEL, part);
    }
    for (int64_t group = 0; group < p_.conv.groups; ++group) {
      run_group(group, pixels, channels);
    }
  }

 private:
  void run_group(int64_t group, Range pixels, Range channels) const {
    const Int8Geometry geometry(p_.conv, o_.lhs, group);
    Int8Pointers pointers(geometry, p_.input_zero);
    int64_t block = 0;
    if (kBytesAsTheyAre && !matrix_.is_used()) {
      block = pointers.block_pixels(pixels_ < kBlockPixels ? pixels_ : kBlockPixels,
                                    room_ * int8_patch_bytes(k_));
    }
    const bool points = block > 0;
    if (!points) block = copied_pixels();
    Int8Windows windows(geometry, finisher_.image_elements, pixels.begin);
    PixelBlock now;
    for (int64_t done = pixels.begin; done < pixels.end; done += block) {
      const int64_t left = pixels.end - done;
      now.pixels = left < block ? left : block;
      if (points) {
        pointers.begin(o_.scratch, now.pixels);
        point(pointers, windows, now);
      } else if (!takes_pixels(geometry, windows.now(), now)) {
        copy(geometry, windows, now);
      } else {
        place_results(windows, now);
      }
      multiply(group, channels, now);
    }
  }

  // Pixels that are copied together.
  int64_t copied_pixels() const {
    const int64_t most = room_ < kBlockPixels ? room_ : kBlockPixels;
    return matrix_.is_used() ? most / kMatrixRows * kMatrixRows : most;
  }

  // Lets a matrix unit read pixels where they are, if results see one pixel each, the
  // next one the next. With whole lines of channels, loading is as fast as from a copy.
  bool takes_pixels(const Int8Geometry& g, const Int8Window& window,
                    PixelBlock& block) const {
    const int64_t step = g.p.in_channels;
    if (!matrix_.is_used() || g.channels % 64 != 0 || step % 64 != 0) return false;
    for (int d = 0; d < 3; ++d) {
      if (g.p.kernel[d] != 1 || g.p.stride[d] != 1 || g.p.padding_low[d] != 0 ||
          g.p.in[d] != g.p.out[d]) {
        return false;
      }
    }
    const uint8_t* const first = window.image + window.offset;
    // So many rows are read, whether or not they belong to the block.
    const int64_t rows = block.pixels < kMatrixRows ? kMatrixRows : block.pixels;
    if (g.end - first < (rows - 1) * step + k_) return false;
    block.rows = {first, step, block.pixels};
    return true;
  }

  static void place_results(Int8Windows& windows, PixelBlock& block) {
    for (int64_t i = 0; i < block.pixels; ++i, windows.advance(1)) {
      block.at[i] = windows.now().result;
    }
  }

  static void point(Int8Pointers& pointers, Int8Windows& windows, PixelBlock& block) {
    block.tiles = 0;
    for (int64_t i = 0; i < block.pixels; ++block.tiles) {
      PixelTile& tile = block.tile[block.tiles];
      tile.rows = next_int8_rows(block.pixels - i);
      tile.left = pointers.describe(windows, tile.rows, block.at + i);
      i += tile.rows;
    }
  }

  void copy(const Int8Geometry& geometry, Int8Windows& windows,
            PixelBlock& block) const {
    const uint8_t* patch = (const uint8_t*)o_.scratch;
    block.rows = {patch, int8_patch_bytes(k_), block.pixels};
    copy_patches(geometry, windows, block.pixels, p_.input_zero, (uint8_t*)o_.scratch);
    block.tiles = 0;
    for (int64_t i = 0; i < block.pixels; ++block.tiles) {
      PixelTile& tile = block.tile[block.tiles];
      tile.rows = next_int8_rows(block.pixels - i);
      for (int r = 0; r < tile.rows; ++r, patch += block.rows.stride) {
        tile.patches.row[r] = patch;
        block.at[i++] = windows.now().result;
        windows.advance(1);
      }
      tile.patches.group = 0;
      tile.left = {&tile.patches, 1, groups_of(k_)};
    }
  }

  // All pixels of a block with a few vectors of channels, then with the next.
  void multiply(int64_t group, Range channels, const PixelBlock& block) const {
    const int64_t panels = (channels_ + TFN_PANEL - 1) / TFN_PANEL;
    const uint8_t* const weights =
        (const uint8_t*)o_.rhs + group * panels * TFN_CONV_INT8_PANEL_BYTES(k_);
    const int most =
        matrix_.is_used() ? kMatrixVectors : int8_vectors(block.tile[0].rows);
    Int8Channels of_vectors[kMostVectors];
    Int8Sums result;
    result.channels = of_vectors;
    for (int64_t c = channels.begin; c < channels.end;) {
      const Int8Right right = int8_right(weights, k_, kNumbers, c);
      result.vectors = next_int8_vectors(channels.end - c, most);
      result.channel = group * channels_ + c;
      result.columns = channels.end - c;
      for (int v = 0; v < result.vectors && v * kLanes < result.columns; ++v) {
        of_vectors[v] = channels_of(right, v, p_.input_zero);
      }
      matrix_.is_used() ? multiply_at_once(block, right, result)
                        : multiply_tiles(block, right, result);
      c += result.vectors * kLanes;
    }
    if (!finisher_.finish_block || channels.begin == channels.end) return;
    result = {};
    result.pixels = block.pixels;
    result.at = block.at;
    result.channel = group * channels_ + channels.begin;
    result.columns = channels.end - channels.begin;
    finisher_.finish_block(finisher_.results, result);
  }

  void multiply_at_once(const PixelBlock& block, const Int8Right& right,
                        Int8Sums& result) const {
    IntVec sums[kMostBlockSums];
    matrix_.multiply(block.rows, groups_of(k_), right, result.vectors, sums);
    result.sums = sums;
    result.at = block.at;
    result.pixels = block.pixels;
    finisher_.finish(finisher_.results, result);
  }

  // Some tiles, then their results: in longer loops, less waits for what is before it.
  void multiply_tiles(const PixelBlock& block, const Int8Right& right,
                      Int8Sums& result) const {
    IntVec sums[kHeldSums];
    const int64_t most = kHeldSums / result.vectors;
    Int8Tile* tile = nullptr;
    result.sums = sums;
    result.at = block.at;
    result.pixels = 0;
    for (int64_t t = 0, rows = 0; t < block.tiles; ++t) {
      const PixelTile& now = block.tile[t];
      if (result.pixels + now.rows > most) finish_some(result);
      if (now.rows != rows) tile = find_int8_tile(now.rows, result.vectors);
      rows = now.rows;
      tile(now.left, right, sums + result.pixels * result.vectors);
      result.pixels += rows;
    }
    finish_some(result);
  }

  void finish_some(Int8Sums& result) const {
    finisher_.finish(finisher_.results, result);
    result.at += result.pixels;
    result.pixels = 0;
  }

  const tfn_conv_int8& p_;
  const tfn_operands& o_;
  const Int8Finisher& finisher_;
  const int64_t pixels_;
  const int64_t channels_;  // Of the output, in a group.
  const int64_t k_;
  const int64_t room_;  // For the patches of so many pixels.
  const Int8Matrix matrix_;
};

}  // namespace

void convolve_int8(const tfn_conv_int8& p, const tfn_operands& o, tfn_part part,
                   const Int8Finisher& finisher) {
  Int8Convolution(p, o, finisher).run(part);
}

}  // namespace TFN_NAMESPACE
