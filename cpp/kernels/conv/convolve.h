// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Convolutions of f32 with packed weights, for files that instantiate them for one type
// that these are stored as.
#pragma once

#include "conv/indirection.h"
#include "conv/patches.h"

namespace TFN_NAMESPACE {
namespace {

constexpr int64_t kMaxTiles = (TFN_CONV_BLOCK_PIXELS + kMaxRows - 1) / kMaxRows;

static_assert(sizeof(Segment) * kMaxTiles <=
                  TFN_CONV_PLACE_BYTES * TFN_CONV_BLOCK_PIXELS,
              "the segments of a full block fit the scratch");
static_assert(sizeof(Segment) <= TFN_CONV_PLACE_BYTES * 9,
              "and so do those of a block of one pixel, which has 8 spare ones");
static_assert(kBlockRows == TFN_CONV_BLOCK_PIXELS, "both are for the same cache");

// A few pixels, and the segments of their input.
struct ConvTile {
  int rows;
  LeftSide left;
  float* out[kMaxRows];
};

// The pixels of a phase, one image after the other. Small enough to live in registers
// where it is used, if it is copied there.
class PixelWalk {
 public:
  PixelWalk(const Phase& phase, int64_t first)
      : depth_(phase.size[0]),
        height_(phase.size[1]),
        width_(phase.size[2]),
        image_(first / (depth_ * height_ * width_)),
        d_(first / (height_ * width_) % depth_),
        h_(first / width_ % height_),
        w_(first % width_) {}

  Pixel next() {
    const Pixel now = {image_, {d_, h_, w_}};
    if (++w_ == width_) {
      w_ = 0;
      if (++h_ == height_) {
        h_ = 0;
        if (++d_ == depth_) {
          d_ = 0;
          ++image_;
        }
      }
    }
    return now;
  }

 private:
  int64_t depth_, height_, width_;
  int64_t image_, d_, h_, w_;
};

template <typename W>
class Convolution {
 public:
  Convolution(const tfn_conv& p, const tfn_operands& operands)
      : p_(p),
        input_(operands.lhs),
        weights_((const W*)operands.rhs),
        output_(operands.out),
        epilogue_(p.epilogue, operands),
        channels_(p.out_channels / p.groups),
        k_(p.kernel[0] * p.kernel[1] * p.kernel[2] * p.in_channels / p.groups) {
    float* zeros = (float*)operands.scratch;
    memset(zeros, 0, (size_t)(p.kernel[2] * p.in_channels / p.groups) * sizeof(float));
    scratch_.zeros = zeros;
    scratch_.segments = (Segment*)(zeros + (k_ + 15) / 16 * 16);
  }

  void run(tfn_part part) {
    Phase phase;
    for (int64_t group = 0; group < p_.groups; ++group) {
      for (phase.offset[0] = 0; enter(phase, 0); ++phase.offset[0]) {
        for (phase.offset[1] = 0; enter(phase, 1); ++phase.offset[1]) {
          for (phase.offset[2] = 0; enter(phase, 2); ++phase.offset[2]) {
            run_phase(group, phase, part);
          }
        }
      }
    }
  }

 private:
  // Sets how many pixels the phase has in a dimension; false if there is none.
  bool enter(Phase& phase, int d) const {
    const int64_t step = p_.base_dilation[d];
    phase.size[d] = (p_.out[d] - phase.offset[d] + step - 1) / step;
    return phase.offset[d] < step && phase.size[d] > 0;
  }

  void run_phase(int64_t group, const Phase& phase, tfn_part part) {
    const Indirection indirection(p_, input_, group, phase, scratch_);
    const int64_t pixels = p_.batch * phase.size[0] * phase.size[1] * phase.size[2];
    Range mine = {0, pixels}, channels = {0, channels_};
    if (channels_ > pixels) {
      channels = share(channels_, TFN_PANEL, part);
    } else {
      mine = share(pixels, kMaxRows, part);
    }
    PixelWalk walk(phase, mine.begin);
    for (int64_t done = mine.begin; done < mine.end; done += TFN_CONV_BLOCK_PIXELS) {
      const int64_t left = mine.end - done;
      run_block(group, phase, indirection, walk, channels,
                left < TFN_CONV_BLOCK_PIXELS ? left : TFN_CONV_BLOCK_PIXELS);
    }
  }

  void run_block(int64_t group, const Phase& phase, const Indirection& indirection,
                 PixelWalk& walk, Range channels, int64_t pixels) {
    ConvTile tiles[kMaxTiles];
    PixelWalk here = walk;
    Segment* segments = scratch_.segments;
    const int64_t count = (pixels + kMaxRows - 1) / kMaxRows;
    float* copies = (float*)(scratch_.segments + count * indirection.max_segments());
    for (int64_t t = 0, left = pixels; t < count; ++t) {
      ConvTile& tile = tiles[t];
      tile.rows = (int)next_rows(left);
      left -= tile.rows;
      Pixel at[kMaxRows];
      for (int r = 0; r < tile.rows; ++r) {
        at[r] = here.next();
        tile.out[r] = result_pointer(phase, at[r]) + group * channels_;
      }
      const int64_t used = indirection.describe(at, tile.rows, segments, copies);
      tile.left = {segments, used, indirection.segment_elements(), 1};
      segments += used;
      copies += tile.rows * indirection.max_segments() * indirection.segment_elements();
    }
    walk = here;
    multiply_tiles(group, channels, tiles, count);
  }

  // All tiles with a group of columns, then with the next group.
  void multiply_tiles(int64_t group, Range channels, const ConvTile* tiles,
                      int64_t count) const {
    const int64_t panels = (channels_ + TFN_PANEL - 1) / TFN_PANEL;
    const W* const weights = weights_ + group * panels * k_ * TFN_PANEL;
    const int most = max_vectors(tiles[0].rows);
    Target target;
    target.stride = 1;
    target.epilogue = &epilogue_;
    for (int64_t c = channels.begin; c < channels.end;) {
      const int vectors = next_vectors(channels.end - c, most);
      const RightSideOf<W> right = {weights + c / TFN_PANEL * k_ * TFN_PANEL, TFN_PANEL,
                                    k_ * TFN_PANEL};
      target.columns = channels.end - c;
      target.channel = group * channels_ + c;
      for (int64_t t = 0; t < count; ++t) {
        const ConvTile& tile = tiles[t];
        float* to[kMaxRows];
        for (int r = 0; r < tile.rows; ++r) to[r] = tile.out[r] + c;
        find_tile<W>(tile.rows, vectors, true)(tile.left, right, to, target);
      }
      c += vectors * kLanes;
    }
  }

  float* result_pointer(const Phase& phase, const Pixel& pixel) const {
    int64_t index = pixel.image;
    for (int d = 0; d < 3; ++d) {
      index = index * p_.out[d] + phase.offset[d] + pixel.at[d] * p_.base_dilation[d];
    }
    return output_ + index * p_.out_channels;
  }

  const tfn_conv& p_;
  const float* const input_;
  const W* const weights_;
  float* const output_;
  const Epilogue epilogue_;
  const int64_t channels_;  // Of the output, in a group.
  const int64_t k_;
  ConvScratch scratch_;
};

// A convolution that reads every input pixel once, where it is: a product.
inline bool is_pointwise(const tfn_conv& p) {
  for (int d = 0; d < 3; ++d) {
    if (p.kernel[d] != 1 || p.stride[d] != 1 || p.padding_low[d] != 0 ||
        p.base_dilation[d] != 1 || p.in[d] != p.out[d]) {
      return false;
    }
  }
  return true;
}

template <typename W>
void run_pointwise(const tfn_conv& p, const tfn_operands& o, tfn_part part) {
  const int64_t k = p.in_channels / p.groups, n = p.out_channels / p.groups;
  const int64_t m = p.batch * p.out[0] * p.out[1] * p.out[2];
  const int64_t panels = (n + TFN_PANEL - 1) / TFN_PANEL;
  const W* const weights = (const W*)o.rhs;
  const Epilogue epilogue(p.epilogue, o);
  for (int64_t g = 0; g < p.groups; ++g) {
    const ProductOf<W> product = {
        m,
        n,
        k,
        {o.lhs + g * k, p.in_channels, 1},
        {weights + g * panels * k * TFN_PANEL, TFN_PANEL, k * TFN_PANEL},
        {o.out + g * n, p.out_channels, 1},
        &epilogue,
        g * n};
    multiply(product, part);
  }
}

// The convolution as a product of patches, a block of output pixels at a time.
template <typename W>
void convolve_patches(const tfn_conv& p, const tfn_operands& o, tfn_part part) {
  const Patches patches(p, o.lhs);
  const Epilogue epilogue(p.epilogue, o);
  float* const rows = (float*)o.scratch;
  const int64_t k = patches.elements(), n = p.out_channels;
  const Range mine = share(p.batch * p.out[0] * p.out[1] * p.out[2], kMaxRows, part);
  for (int64_t i = mine.begin; i < mine.end; i += kBlockRows) {
    const Range block = {i, mine.end - i < kBlockRows ? mine.end : i + kBlockRows};
    patches.copy(block, rows);
    const ProductOf<W> product = {block.end - block.begin,
                                  n,
                                  k,
                                  {rows, patches.stride(), 1},
                                  {(const W*)o.rhs, TFN_PANEL, k * TFN_PANEL},
                                  {o.out + i * n, n, 1},
                                  &epilogue,
                                  0};
    multiply(product, {0, 1});
  }
}

template <typename W>
void convolve(const void* params, const tfn_operands& operands, tfn_part part) {
  const tfn_conv& p = *(const tfn_conv*)params;
  if (is_pointwise(p)) {
    run_pointwise<W>(p, operands, part);
  } else if (copies_patches(p)) {
    convolve_patches<W>(p, operands, part);
  } else {
    Convolution<W>(p, operands).run(part);
  }
}

}  // namespace
}  // namespace TFN_NAMESPACE
