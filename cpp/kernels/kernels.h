/* SPDX-FileCopyrightText: The tfnative authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The compute kernels that emitted programs call. They are compiled once per
 * CPU level and linked into the artifact; each name carries the level, so that
 * all levels live in one library: TFN_KERNEL(conv_f32) is tfn_v3_conv_f32 where
 * TFN_LEVEL is v3.
 *
 * Contract of every kernel: pointers are not null; inputs and outputs do not
 * overlap; sizes are at least 1 unless said otherwise; nothing is allocated, no
 * state is kept, nothing is checked (the compiler has checked). Offsets and
 * strides are in elements. Needs libc (memcpy, memset) and libm only. `scratch`
 * is aligned to 64 bytes and as large as the macro beside the kernel says; the
 * macros are constant expressions, for use in static initialisers.
 */
#ifndef TFNATIVE_KERNELS_H_
#define TFNATIVE_KERNELS_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef TFN_LEVEL
#error "define TFN_LEVEL: v2, v3, v4 or generic"
#endif
#define TFN_PASTE_(level, name) tfn_##level##_##name
#define TFN_PASTE(level, name) TFN_PASTE_(level, name)
#define TFN_KERNEL(name) TFN_PASTE(TFN_LEVEL, name)

/* --- What the f32 kernels share ---------------------------------------------
 *
 * They take their sizes, the arrays, and which part of the work to do: part
 * `index` of `count`. Parts write disjoint pieces of the output and may run at
 * once, each with scratch of its own. {0, 1} is all of the work. */
typedef struct tfn_part {
  int32_t index, count;
} tfn_part;

typedef struct tfn_operands {
  const float* lhs;    /* or the input of a convolution */
  const void* rhs;     /* or its weights; floats, unless the kernel says otherwise */
  const float* bias;   /* one per output channel, with TFN_PANEL more floats that
                          can be read; or null */
  const float* addend; /* in the form of `out`, may be `out` itself; or null */
  float* out;
  void* scratch;
  const float* scale; /* of weights in s8: one per output channel, with TFN_PANEL more
                         floats that can be read; null for others */
} tfn_operands;

/* What is done with a sum before it is stored: an activation of
 * clamp(sum * scale + bias + addend, low, high). NaN passes. */
typedef enum tfn_activation {
  TFN_LINEAR = 0,
  TFN_SIGMOID = 1, /* 1 / (1 + exp(-x)) */
  TFN_SWISH = 2,   /* x * sigmoid(x) */
  TFN_TANH = 3
} tfn_activation;

typedef struct tfn_epilogue {
  int32_t activation; /* a tfn_activation */
  float low, high;    /* -INFINITY and INFINITY: no clamping */
} tfn_epilogue;

/* `params`: a tfn_matmul, a tfn_conv ..., as the kernel's declaration says. */
typedef void tfn_f32_kernel(const void* params, const tfn_operands* operands,
                            tfn_part part);

/* Columns in a panel of packed weights, the same on every CPU level, so that
 * all levels share one copy. */
#define TFN_PANEL 16

/* --- Matrix multiplication ------------------------------------------------
 *
 * out[b](m, n) = sum over k of lhs[b](m, k) * rhs[b](k, n), for b < batch.
 * An element (i, j) of a matrix of batch b is at
 * b * batch_stride + i * row_stride + j * col_stride. At least one of row_stride
 * and col_stride is 1. k may be 0 (the sums are zero). A channel is a column. */
typedef struct tfn_matrix {
  int64_t batch_stride, row_stride, col_stride;
} tfn_matrix;

typedef struct tfn_matmul {
  int64_t batch, m, n, k;
  tfn_matrix lhs, rhs, out;
  tfn_epilogue epilogue;
} tfn_matmul;

/* params: a tfn_matmul. rhs packed: panels of TFN_PANEL columns, each k rows of
 * TFN_PANEL floats, the last one padded with zeros: packed[n / 16][k][n % 16].
 * `rhs` strides are not read and batch is 1. */
tfn_f32_kernel TFN_KERNEL(matmul_packed_f32);

/* The same with weights that take less space, and are widened in registers: finite
 * halves, the upper halves of floats, or whole numbers times the channel's scale. */
tfn_f32_kernel TFN_KERNEL(matmul_packed_f16);
tfn_f32_kernel TFN_KERNEL(matmul_packed_bf16);
tfn_f32_kernel TFN_KERNEL(matmul_packed_s8);

/* params: a tfn_matmul. Neither operand is a constant; no bias, no addend, and the
 * epilogue is not read. */
#define TFN_MATMUL_SCRATCH_BYTES(batch, m, n, k) \
  ((((m) > (n) ? (m) : (n)) + TFN_PANEL - 1) / TFN_PANEL * TFN_PANEL * (size_t)(k) * 4)

tfn_f32_kernel TFN_KERNEL(matmul_f32);

/* Any other element type: right, not fast. Accumulates in the element type,
 * f16 and bf16 in float. Names: f64, f16, bf16, s8, s16, s32, s64, u8, u16, u32,
 * u64, c64, c128 and pred (or of ands). */
typedef void tfn_matmul_fn(const tfn_matmul* p, const void* lhs, const void* rhs,
                           void* out);

/* --- Matrix multiplication in 8 bits -----------------------------------------
 *
 * Weights are whole numbers of -127 to 127, and a scale for each column j that they
 * are multiplied with. Rows of lhs are quantized by the kernel, each by its own range
 * ("dynamic"). With all numbers in float, and round() to the nearest whole number, of
 * two equally near ones the even one:
 *
 *   low_i     = min(0, least lhs(i, k)),  high_i = max(0, largest lhs(i, k))
 *   scale_i   = (high_i - low_i) / 255,   inverse_i = 255 / (high_i - low_i)
 *   zero_i    = clamp(round(-low_i * inverse_i), 0, 255)
 *   q(i, k)   = clamp(round(lhs(i, k) * inverse_i) + zero_i, 0, 255)
 *   sum(i, j) = sum over k of q(i, k) * w(k, j) - zero_i * sum over k of w(k, j)
 *   out(i, j) = epilogue(float(sum(i, j)) * (scale_i * scale_j))
 *
 * The results have the same bits at all CPU levels and on all machines, but for those
 * of activations other than TFN_LINEAR, and for the bits of NaN.
 *
 * - Sums are exact, since k is at most TFN_INT8_MOST_K: 255 * 127 * k < 2^31. With a
 *   larger k, they are what is left of them modulo 2^32.
 * - A row that has a NaN or an infinity gives NaN in all its columns.
 * - A row with high_i - low_i < 2^-117 counts as zeros, as the programs take numbers
 *   that are not normal, and gives epilogue(0): its steps would be no normal numbers.
 * - Where high_i - low_i is infinite, scale_i and inverse_i are computed of half of
 *   both, and are finite.
 * - scale_i * scale_j counts as 0 if it is less than 2^-125, and as the largest number
 *   if it is infinite: a sum of 0 never gives NaN. The result may be infinite. */
#define TFN_INT8_MOST_K 66311

/* Bytes of the weights of a panel with what follows them. */
#define TFN_INT8_PANEL_BYTES(k) (((k) + 3) / 4 * 4 * TFN_PANEL + 8 * TFN_PANEL)

/* Rows that are quantized together. */
#define TFN_INT8_ROWS 96
#define TFN_MATMUL_INT8_SCRATCH_BYTES(m, k) \
  ((size_t)((m) < TFN_INT8_ROWS ? (m) : TFN_INT8_ROWS) * (2 * TFN_WHOLE_PANELS_(k) + 8))

/* params: a tfn_matmul. rhs points to bytes, aligned to 4, of panels of TFN_PANEL
 * columns. Each has its weights, k in groups of four, the last one padded with zeros:
 * int8_t weights[ceil(k / 4)][16][4]. Behind them come the sums of the weights of each
 * column, int32_t sums[16], and float scales[16], each 0 or a positive normal
 * number. The last panel is padded with columns of zeros. `rhs` strides are not read
 * and batch is 1. If m is less than n and than a few rows for each part, parts have
 * columns, and each quantizes all rows. */
tfn_f32_kernel TFN_KERNEL(matmul_int8_dynamic);

/* --- Convolution -----------------------------------------------------------
 *
 * Input [batch][d][h][w][in_channels], output [batch][d][h][w][out_channels],
 * both dense. A 1-D convolution has d = h = 1, a 2-D one d = 1. The arrays below
 * are in the order d, h, w. Meaning as in XLA's Window: base_dilation spreads the
 * input (transposed convolution), window_dilation the kernel; padding_low may be
 * negative. Group g reads in_channels / groups input channels and writes
 * out_channels / groups output channels; the output's channels are ordered by
 * group. XLA's batch_group_count is 1. */
typedef struct tfn_conv {
  int64_t batch, in_channels, out_channels, groups;
  int64_t in[3], out[3], kernel[3];
  int64_t stride[3], padding_low[3], base_dilation[3], window_dilation[3];
  tfn_epilogue epilogue; /* of the f32 kernels */
} tfn_conv;

/* Output pixels that are computed together, so that weights are read once for all of
 * them; and the largest description of one of them per place in the kernel. */
#define TFN_CONV_BLOCK_PIXELS 96
#define TFN_CONV_PLACE_BYTES 24

/* `pixels`: of the output, batch * d * h * w; `places`: in the kernel, d * h * w;
 * `channels`: of the input, in a group. */
#define TFN_CONV_SCRATCH_BYTES(pixels, places, channels)                           \
  (((pixels) < TFN_CONV_BLOCK_PIXELS ? (pixels) + 8 : TFN_CONV_BLOCK_PIXELS + 8) * \
       (size_t)(places) * ((channels) * 4 + TFN_CONV_PLACE_BYTES) +                \
   (size_t)(places) * (channels) * 4 + 128)

/* params: a tfn_conv. Weights packed per group, as matmul weights whose rows are
 * (kd, kh, kw, in channel of the group): packed[g][oc / 16][kd][kh][kw][ic][oc % 16],
 * each group's channels padded to a multiple of 16 with zeros. */
tfn_f32_kernel TFN_KERNEL(conv_f32);

/* The same with weights that take less space, as those of products. */
tfn_f32_kernel TFN_KERNEL(conv_f16);
tfn_f32_kernel TFN_KERNEL(conv_bf16);
tfn_f32_kernel TFN_KERNEL(conv_s8);

/* Winograd's algorithm: tiles of 4 x 4 output pixels with a quarter of the
 * multiplications, but four times the weights. `h`, `w`: of the output. */
#define TFN_WINOGRAD_TILES(batch, h, w) ((batch) * (((h) + 3) / 4) * (((w) + 3) / 4))

/* Tiles that are computed together, and output channels of them: few enough for the
 * cache, but enough to hide reading the weights. */
#define TFN_WINOGRAD_CHANNELS 64
#define TFN_WINOGRAD_TILES_AT_ONCE 36
#define TFN_WINOGRAD_BLOCK(tiles, in_channels) \
  TFN_LEAST_(tiles,                            \
             (in_channels) > 4096 / 12         \
                 ? 12                          \
                 : TFN_LEAST_(4096 / (in_channels), TFN_WINOGRAD_TILES_AT_ONCE))

#define TFN_LEAST_(a, b) ((a) < (b) ? (a) : (b))
#define TFN_WHOLE_PANELS_(n) (((n) + TFN_PANEL - 1) / TFN_PANEL * TFN_PANEL)
#define TFN_WINOGRAD_SCRATCH_BYTES(tiles, in_channels, out_channels) \
  (4 * TFN_WHOLE_PANELS_(in_channels) +                              \
   4 * 36 *                                                          \
       (2 * TFN_PANEL +                                              \
        (size_t)TFN_WINOGRAD_BLOCK(tiles, in_channels) *             \
            (TFN_WHOLE_PANELS_(in_channels) +                        \
             TFN_LEAST_(TFN_WHOLE_PANELS_(out_channels), TFN_WINOGRAD_CHANNELS))))

/* params: a tfn_conv of one group with a kernel of [1, 3, 3], d = 1, stride 1 and
 * dilations 1. Weights transformed (tfnative_aot/passes/winograd.py), for each of 36
 * points packed as matmul weights: packed[point][oc / 16][ic][oc % 16].
 *
 * Less exact than conv_f32: with normal input and weights, the largest error, over the
 * largest result, is 1.4e-6 for 64 input channels, 2.4e-6 for 128, 2.9e-6 for 256 and
 * 4.4e-6 for 512, twice that of conv_f32. A result is as exact by the largest input
 * that it sees, times 16 at most: tiles with larger differences are computed again
 * without what it does not see (conv/winograd_scales.h), which takes up to twice the
 * time. A tile of input with an infinity or a NaN, or with numbers so large that a sum
 * of a few is infinite, is summed as it is defined, for five times as long. Worth it
 * from about 8 input channels on. */
tfn_f32_kernel TFN_KERNEL(conv_winograd_f32);

/* params: a tfn_conv. Depthwise: in_channels == groups == out_channels, in one or
 * two dimensions, base_dilation 1. Weights as XLA has them: [kh][kw][channels],
 * dense. */
#define TFN_DEPTHWISE_COLUMNS 19 /* of the input, for a few neighbouring pixels */
#define TFN_DEPTHWISE_SCRATCH_BYTES(channels, kernel_lines, kernel_columns)         \
  (((size_t)(channels) + 1) / 2 * 8 + (size_t)(kernel_lines) * sizeof(void*) *      \
                                          ((kernel_columns) > TFN_DEPTHWISE_COLUMNS \
                                               ? (kernel_columns)                   \
                                               : TFN_DEPTHWISE_COLUMNS))

tfn_f32_kernel TFN_KERNEL(conv_depthwise_f32);

/* Any element type (names as for matmul, and f32), and weights that are not
 * constant: [kd][kh][kw][in_channels / groups][out_channels], dense. Right, not
 * fast. */
typedef void tfn_conv_fn(const tfn_conv* p, const void* input, const void* weights,
                         void* output);

/* clang-format off */
#define TFN_FOR_EACH_TYPE(X) \
  X(f32) X(f64) X(f16) X(bf16) X(s8) X(s16) X(s32) X(s64) \
  X(u8) X(u16) X(u32) X(u64) X(c64) X(c128) X(pred)
/* clang-format on */

#define TFN_DECLARE_GENERIC(type)              \
  tfn_matmul_fn TFN_KERNEL(matmul_any_##type); \
  tfn_conv_fn TFN_KERNEL(conv_any_##type);
TFN_FOR_EACH_TYPE(TFN_DECLARE_GENERIC)
#undef TFN_DECLARE_GENERIC

/* --- Pooling and reductions --------------------------------------------------
 *
 * Input [batch][d][h][w][channels], output likewise, both dense. Each result is
 * scale * (init, joined with the places of its window that are not padding). A
 * largest or smallest of anything and NaN is NaN; the largest number passes over NaN,
 * unless `init` is one. */
typedef enum tfn_reduction {
  TFN_REDUCE_SUM = 0,
  TFN_REDUCE_MAX = 1,
  TFN_REDUCE_MIN = 2,
  TFN_REDUCE_MAX_NUMBER = 3
} tfn_reduction;

typedef struct tfn_reduce_window {
  int32_t operation; /* a tfn_reduction */
  float init, scale;
  int64_t batch, channels;
  int64_t in[3], out[3], kernel[3], stride[3], padding_low[3], window_dilation[3];
} tfn_reduce_window;

/* params: a tfn_reduce_window. lhs and out only, no scratch. */
tfn_f32_kernel TFN_KERNEL(reduce_window_f32);

/* --- Sorting ----------------------------------------------------------------
 *
 * Sorts `count` arrays together along the middle dimension of
 * [outer][length][inner], stably. The comparator is one that XLA compiled:
 * it gets pointers {a0, b0, a1, b1, ...} to the elements of each array and
 * writes whether a comes before b. At most 64 arrays. */
typedef void tfn_comparator(char* result, const void* run_options, const void** params,
                            const void* buffer_table, const void* status,
                            const void* prof_counters);

typedef struct tfn_sort {
  int64_t outer, length, inner;
  int32_t count;
  const int32_t* element_bytes; /* `count` sizes: 1, 2, 4, 8 or 16 */
} tfn_sort;

#define TFN_SORT_SCRATCH_BYTES(length, count) ((size_t)(length) * (2 * 8 + 16))

void TFN_KERNEL(sort)(const tfn_sort* p, void* const* arrays,
                      tfn_comparator* comes_before, void* scratch);

/* The k largest of each row of [batch][length], largest first, ties by index. In a row
 * with NaN, what TensorFlow's comparisons come to. `out_values` may be `values` if all
 * are taken; `out_indices` may be null. */
#define TFN_TOPK_SCRATCH_BYTES(length) ((size_t)(length) * 12)

void TFN_KERNEL(topk_f32)(int64_t batch, int64_t length, int64_t k, const float* values,
                          float* out_values, int32_t* out_indices, void* scratch);

/* --- Detection ----------------------------------------------------------------
 *
 * Boxes that overlap others with a better score are left out, as TensorFlow's kernels
 * do it, to the last bit. A box is {y1, x1, y2, x2}, of which either corner may come
 * first. Boxes overlap by the area that they share, over the area of both together; if
 * either has no area, by nothing.
 *
 * CombinedNonMaxSuppression, in two kernels. A row of the input has `boxes` times
 * `box_classes` boxes, then `boxes` times `classes` scores, then two thresholds: more
 * overlap than the first suppresses, scores have to be more than the second. If
 * `box_classes` is 1, boxes are those of all classes. A row of the values has `size`
 * boxes, scores and classes, with zeros behind those that are found; and then what only
 * the kernels read. Sizes may be 0, but not `batch` and `size`. */
typedef struct tfn_combined_nms {
  int64_t batch, boxes, box_classes, classes;
  int64_t per_class; /* how many of a class are kept; at most `boxes` */
  int64_t size;
  int32_t clip; /* whether the boxes that are found are clipped to [0, 1] */
} tfn_combined_nms;

#define TFN_NMS_CLASSES 16 /* that are looked at together */
#define TFN_NMS_KEPT_BYTES(kept) (((size_t)(kept) + 15) / 16 * 16 * 24)
#define TFN_COMBINED_NMS_ROW(boxes, box_classes, classes) \
  ((boxes) * ((box_classes) * 4 + (classes)) + 2)
#define TFN_COMBINED_NMS_VALUES(classes, per_class, size) \
  (6 * (size) + 2 * (classes) * (per_class))
#define TFN_COMBINED_NMS_SCRATCH_BYTES(boxes, classes, per_class) \
  (TFN_LEAST_(classes, TFN_NMS_CLASSES) * (size_t)(boxes) * 8 +   \
   TFN_NMS_KEPT_BYTES(per_class) + (size_t)(classes) * (size_t)(per_class) * 8 + 64)

/* params: a tfn_combined_nms. lhs: the rows. out: of the values, what only the kernels
 * read, for each class. */
tfn_f32_kernel TFN_KERNEL(suppress_by_class_f32);

/* The rest of the values, and how many were found in each row. */
void TFN_KERNEL(join_classes_f32)(const tfn_combined_nms* p, const float* rows,
                                  float* values, int32_t* counts, void* scratch);

/* NonMaxSuppressionV4 and V5. The input has `boxes` boxes and scores, then three
 * thresholds: as above, and sigma, by which scores fall instead of boxes being left
 * out, if it is not 0. `scores` and `found` have room for at least `size`: the scores,
 * and, behind how many there are, the numbers of boxes that are kept; then zeros. Sizes
 * may be 0. */
typedef struct tfn_nms {
  int64_t boxes, size;
} tfn_nms;

#define TFN_NMS_SCRATCH_BYTES(boxes, size) \
  ((size_t)(boxes) * 16 + TFN_NMS_KEPT_BYTES(TFN_LEAST_(boxes, size)) + 64)

void TFN_KERNEL(nms_f32)(const tfn_nms* p, const float* input, float* scores,
                         int32_t* found, float (*exponential)(float), void* scratch);

#ifdef __cplusplus
}
#endif

#include "quantized.h"

#endif /* TFNATIVE_KERNELS_H_ */
