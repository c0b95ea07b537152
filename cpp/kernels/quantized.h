/* SPDX-FileCopyrightText: The tfnative authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The kernels for arrays that are quantized: they take and give bytes. kernels.h
 * includes this file, and its contract holds here.
 *
 * A quantized array has bytes q of 0 to 255, which stand for (q - zero) * scale. It is
 * dense, [batch][d][h][w][channels], but for its rows, those of the batch: each begins
 * at a multiple of four bytes, behind the one before it. What lies between two rows is
 * never read, and may be overwritten with anything.
 *
 * All results have the same bits at all CPU levels and on all machines. Sums are exact:
 * the compiler sees to it that they fit 32 bits. All other numbers are float, each
 * product is rounded before anything is added to it, and round() is to the nearest
 * whole number, of two equally near ones to the even one. A result x is stored as
 *
 *   requantize(x) = table[clamp(round(x) + zero, low, high)]
 *
 * where x may be infinite, but is no NaN.
 */
#ifndef TFNATIVE_KERNELS_QUANTIZED_H_
#define TFNATIVE_KERNELS_QUANTIZED_H_

#include "kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TFN_INT8_ROW_BYTES(elements) (((elements) + 3) / 4 * 4)

typedef struct tfn_requantize {
  int32_t zero, low, high; /* 0 <= low <= high <= 255, 0 <= zero <= 255 */
  const uint8_t* table;    /* 256 bytes; or null, for numbers as they are */
} tfn_requantize;

/* A convolution, whose padding holds `input_zero`. Of output channel j:
 *
 *   sum_j  = bias_j + sum of (q - input_zero) * w_j over the places of the kernel
 *   x      = float(sum_j) * multiplier_j
 *            + float(addend - addend_zero) * addend_scale, if there is an addend
 *   out    = requantize(x)
 *
 * A product of matrices is a convolution of 1 x 1 pixels: each row of the batch is one
 * pixel, d = h = w = 1. Weights are -127 to 127. Base dilations are 1. */
typedef struct tfn_conv_int8 {
  tfn_conv conv; /* the epilogue: of conv_int8_to_f32 */
  int32_t input_zero, addend_zero;
  float addend_scale;
  tfn_requantize result; /* not of conv_int8_to_f32 */
} tfn_conv_int8;

/* Bytes of the weights of a panel with what follows them. */
#define TFN_CONV_INT8_PANEL_BYTES(k) (((k) + 3) / 4 * 4 * TFN_PANEL + 12 * TFN_PANEL)

/* params: a tfn_conv_int8. lhs, addend and out are quantized arrays; the addend has the
 * shape of out. rhs points to bytes, aligned to 4, of panels of TFN_PANEL output
 * channels: packed[g][oc / 16], each group's channels padded to a multiple of 16. A
 * panel has its weights, k = (kd, kh, kw, in channel of the group) in groups of four,
 * the last one padded with zeros: int8_t weights[ceil(k / 4)][16][4]. Behind them come
 * int32_t sums[16], of the weights of each channel, int32_t bias[16] and
 * float multiplier[16], each positive and normal. What is padded is zeros. */
tfn_f32_kernel TFN_KERNEL(conv_int8);

/* Output pixels whose windows are copied together: few enough for them to stay in a
 * cache. `k`: of the weights of a panel. */
#define TFN_CONV_INT8_PIXELS(pixels, k) \
  TFN_LEAST_(pixels, (k) > 4096 ? 24 : TFN_LEAST_(131072 / (k), 96))

/* Of both convolutions. `pixels`: of the output, batch * d * h * w; `places`: in the
 * kernel, d * h * w; `channels`: of the input, in a group. */
#define TFN_CONV_INT8_SCRATCH_BYTES(pixels, places, channels)        \
  ((size_t)TFN_CONV_INT8_PIXELS(pixels, (places) * (channels)) * 2 * \
   TFN_WHOLE_PANELS_((places) * (channels)))

/* The same with floats as results, as dense rows of a batch as all floats are:
 * clamp(float(sum_j) * multiplier_j, low, high). The epilogue's activation is
 * TFN_LINEAR, and there is no addend. */
tfn_f32_kernel TFN_KERNEL(conv_int8_to_f32);

/* Of a depthwise convolution: channels that are computed together, and columns of the
 * input that are held for them, so few that they stay in the cache, but enough for four
 * neighbouring pixels. `stride` and `dilation` are those of columns. */
#define TFN_DEPTHWISE_INT8_CHANNELS 64
#define TFN_DEPTHWISE_INT8_LEAST_(columns, stride, dilation) \
  (3 * (stride) + ((columns) - 1) * (dilation) + 1)
#define TFN_DEPTHWISE_INT8_COLUMNS(lines, columns, stride, dilation)              \
  (TFN_DEPTHWISE_INT8_LEAST_(columns, stride, dilation) > ((lines) > 4 ? 36 : 64) \
       ? TFN_DEPTHWISE_INT8_LEAST_(columns, stride, dilation)                     \
       : ((lines) > 4 ? 36 : 64))
#define TFN_DEPTHWISE_INT8_SCRATCH_BYTES(lines, columns, stride, dilation) \
  (((size_t)(lines) + 3) / 4 * 4 * TFN_DEPTHWISE_INT8_CHANNELS *           \
   (TFN_DEPTHWISE_INT8_COLUMNS(lines, columns, stride, dilation) + 4 * (columns)))

/* params: a tfn_conv_int8. Depthwise: in_channels == groups == out_channels, in one or
 * two dimensions. rhs points to bytes, aligned to 4: with C the channels, padded to a
 * multiple of 16 with zeros, int8_t weights[kh][kw][C], int32_t sums[C],
 * int32_t bias[C], float multiplier[C]. */
tfn_f32_kernel TFN_KERNEL(conv_depthwise_int8);

/* Two arrays, element by element: of each row of the first, element i, and element
 * i modulo `second_elements` of the same row of the second, which begins at a multiple
 * of four bytes as well. lhs, addend and out.
 *
 *   add_int8       x = float(a - zero[0]) * scale[0] + float(b - zero[1]) * scale[1]
 *   multiply_int8  x = float((a - zero[0]) * (b - zero[1])) * scale[0]
 */
typedef struct tfn_binary_int8 {
  int64_t batch, elements; /* of a row */
  int64_t second_elements; /* divides `elements` */
  int32_t zero[2];
  float scale[2];
  tfn_requantize result;
} tfn_binary_int8;

/* params: a tfn_binary_int8. */
tfn_f32_kernel TFN_KERNEL(add_int8);
tfn_f32_kernel TFN_KERNEL(multiply_int8);

/* params: a tfn_unary_int8. lhs and out.
 *
 *   table_int8       out = table[q], of `result`; quantized arrays
 *   quantize_f32     x = value * scale, out = requantize(x); NaN counts as 0
 *   dequantize_int8  out = float(q - zero) * scale, zero of `result`
 */
typedef struct tfn_unary_int8 {
  int64_t batch, elements; /* of a row */
  float scale;
  tfn_requantize result;
} tfn_unary_int8;

tfn_f32_kernel TFN_KERNEL(table_int8);
tfn_f32_kernel TFN_KERNEL(quantize_f32);
tfn_f32_kernel TFN_KERNEL(dequantize_int8);

/* Pooling. Places of a window that are padding do not count; n are left, one at least.
 *
 *   pool_max_int8      out = the largest q; `result` is not read
 *   pool_average_int8  x = float(sum of (q - input_zero)) * (multiplier / float(n)),
 *                      out = requantize(x)
 */
typedef struct tfn_pool_int8 {
  tfn_reduce_window window; /* operation, init and scale are not read */
  int32_t input_zero;
  float multiplier;
  tfn_requantize result;
} tfn_pool_int8;

/* params: a tfn_pool_int8. lhs and out. */
tfn_f32_kernel TFN_KERNEL(pool_max_int8);
tfn_f32_kernel TFN_KERNEL(pool_average_int8);

#ifdef __cplusplus
}
#endif

#endif /* TFNATIVE_KERNELS_QUANTIZED_H_ */
