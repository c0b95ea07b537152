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

// A few pixels: their activations, and where their results go.
struct PixelTile {
  int rows;
  Int8Left left;
  Int8Segment patches;  // If they are copied.
  int64_t at[kInt8Rows];
};

class Int8Convolution {
 public:
  Int8Convolution(const tfn_conv_int8& p, const tfn_operands& o, Int8Finish* finish,
                  int64_t image_elements)
      : p_(p),
        o_(o),
        finish_(finish),
        image_elements_(image_elements),
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
    Int8Windows windows(geometry, image_elements_, pixels.begin);
    for (int64_t done = pixels.begin; done < pixels.end; done += block) {
      PixelTile tiles[kMostTiles];
      const int64_t left = pixels.end - done, count = left < block ? left : block;
      if (points) {
        pointers.begin(o_.scratch, count);
      } else {
        copy_patches(geometry, windows, count, p_.input_zero, (uint8_t*)o_.scratch);
      }
      const int64_t used =
          make_tiles(points ? &pointers : nullptr, count, windows, tiles);
      multiply(group, channels, tiles, used, count);
    }
  }

  // Pixels that are copied together.
  int64_t copied_pixels() const {
    const int64_t most = room_ < kBlockPixels ? room_ : kBlockPixels;
    return matrix_.is_used() ? most / kMatrixRows * kMatrixRows : most;
  }

  // Returns how many tiles there are. Without pointers, there are patches.
  int64_t make_tiles(Int8Pointers* pointers, int64_t pixels, Int8Windows& windows,
                     PixelTile* tiles) const {
    const uint8_t* patch = (const uint8_t*)o_.scratch;
    int64_t count = 0;
    for (int64_t left = pixels; left > 0; ++count) {
      PixelTile& tile = tiles[count];
      tile.rows = next_int8_rows(left);
      left -= tile.rows;
      if (kBytesAsTheyAre && pointers) {
        tile.left = pointers->describe(windows, tile.rows, tile.at);
        continue;
      }
      for (int r = 0; r < tile.rows; ++r, patch += int8_patch_bytes(k_)) {
        tile.patches.row[r] = patch;
        tile.at[r] = windows.now().result;
        windows.advance(1);
      }
      tile.patches.group = 0;
      tile.left = {&tile.patches, 1, groups_of(k_)};
    }
    return count;
  }

  // All tiles, of so many pixels, with a few vectors of channels, then with the next.
  void multiply(int64_t group, Range channels, const PixelTile* tiles, int64_t count,
                int64_t pixels) const {
    const int64_t panels = (channels_ + TFN_PANEL - 1) / TFN_PANEL;
    const uint8_t* const weights =
        (const uint8_t*)o_.rhs + group * panels * TFN_CONV_INT8_PANEL_BYTES(k_);
    const bool at_once = matrix_.is_used();
    const int most = at_once ? kMatrixVectors : int8_vectors(tiles[0].rows);
    IntVec sums[kMostBlockSums];
    Int8Sums result;
    for (int64_t c = channels.begin; c < channels.end;) {
      result.vectors = next_int8_vectors(channels.end - c, most);
      result.columns = channels.end - c;
      result.right = int8_right(weights, k_, kConvolutionNumbers, c);
      result.sums = sums;
      if (at_once) {
        const Int8Block block = {(const uint8_t*)o_.scratch, int8_patch_bytes(k_),
                                 pixels};
        matrix_.multiply(block, groups_of(k_), result.right, result.vectors, sums);
      }
      for (int64_t t = 0; t < count; ++t) {
        const PixelTile& tile = tiles[t];
        result.rows = tile.rows;
        for (int r = 0; r < tile.rows; ++r) {
          result.at[r] = tile.at[r] + group * channels_ + c;
        }
        if (!at_once) {
          find_int8_tile(tile.rows, result.vectors)(tile.left, result.right, sums);
        }
        finish_(p_, o_, result);
        if (at_once) result.sums += tile.rows * result.vectors;
      }
      c += result.vectors * kLanes;
    }
  }

  const tfn_conv_int8& p_;
  const tfn_operands& o_;
  Int8Finish* const finish_;
  const int64_t image_elements_, pixels_;
  const int64_t channels_;  // Of the output, in a group.
  const int64_t k_;
  const int64_t room_;  // For the patches of so many pixels.
  const Int8Matrix matrix_;
};

}  // namespace

void convolve_int8(const tfn_conv_int8& p, const tfn_operands& o, tfn_part part,
                   Int8Finish* finish, int64_t image_elements) {
  Int8Convolution(p, o, finish, image_elements).run(part);
}

}  // namespace TFN_NAMESPACE
