/* SPDX-FileCopyrightText: The tfnative authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A model named "fake", as the compiler would write it:
 *   affine     y = 2 x + 1 for rows of 3 floats; batch sizes 1, 4 and 16
 *   mean       rows influence each other: y = x - mean of the column; sizes 2 and 4
 *   checked    y = 8 / x for rows of 2 floats, of which none may be negative or zero;
 *              batch sizes 2 and 4
 *   constant   no batch dimension: sum of 4 integers
 *   failing    always fails in step 3
 *   liar       fails in checks that there are not: x is the check, the number of its
 *              values, and the position
 *   pair       two inputs, two outputs, one of them without a batch dimension
 *   total      rows influence each other: x, and the sum of it; for no rows, 7
 *   ratio      y = w / x for rows x, of which none may be zero, and w, which has no
 *              rows and must not be negative: what is checked first. Batch size 2
 *   ratio_late the same, but what is checked first is x
 *   truths     sums of rows of 3 booleans, as bytes; batch size 2
 */
#include <string.h>

#include "tfnative/abi.h"

typedef struct affine_job {
  int64_t rows;
  const float* x;
  float* y;
  char* scratch; /* 64 bytes for each part */
  int32_t parts;
} affine_job;

static void affine_part(void* argument, int32_t part) {
  const affine_job* job = (const affine_job*)argument;
  float* scratch = (float*)(job->scratch + 64 * part);
  for (int64_t i = part; i < job->rows * 3; i += job->parts) {
    scratch[i % 16] = job->x[i];
    job->y[i] = 2 * scratch[i % 16] + 1;
  }
}

/* Two steps: the first does nothing, the second is divided among the threads. */
static int32_t affine(int64_t rows, const void* const* in, void* const* out,
                      void* workspace, const tfn_context* context) {
  affine_job job = {rows, (const float*)in[0], (float*)out[0], (char*)workspace, 1};
  const int watched = context != NULL && context->on_step != NULL;
  if (watched) context->on_step(context->self, 1);
  if (watched) context->on_step(context->self, 2);
  if (context != NULL && context->threads > 1) {
    job.parts = context->threads;
    context->parallel(context->self, affine_part, &job, job.parts);
  } else {
    affine_part(&job, 0);
  }
  if (watched) context->on_step(context->self, 0);
  return 0;
}

static int32_t affine_1(const void* const* in, void* const* out, void* w,
                        const tfn_context* c) {
  return affine(1, in, out, w, c);
}
static int32_t affine_4(const void* const* in, void* const* out, void* w,
                        const tfn_context* c) {
  return affine(4, in, out, w, c);
}
static int32_t affine_16(const void* const* in, void* const* out, void* w,
                         const tfn_context* c) {
  return affine(16, in, out, w, c);
}

static int32_t mean(int64_t rows, const void* const* in, void* const* out) {
  const float* x = (const float*)in[0];
  float* y = (float*)out[0];
  float sum = 0;
  for (int64_t i = 0; i < rows; ++i) sum += x[i];
  for (int64_t i = 0; i < rows; ++i) y[i] = x[i] - sum / (float)rows;
  return 0;
}

static int32_t mean_2(const void* const* in, void* const* out, void* w,
                      const tfn_context* c) {
  (void)c;
  (void)w;
  return mean(2, in, out);
}
static int32_t mean_4(const void* const* in, void* const* out, void* w,
                      const tfn_context* c) {
  (void)c;
  (void)w;
  return mean(4, in, out);
}

static int32_t fail(const tfn_context* context, int32_t check, int32_t value_count,
                    int64_t position, double value) {
  tfn_failure* const failure = context != NULL ? context->failure : NULL;
  if (failure == NULL) return TFN_CHECK_FAILED;
  failure->check = check;
  failure->value_count = value_count;
  failure->position = position;
  memcpy(&failure->values[0], &value, sizeof value);
  failure->values[1] = -7;
  failure->values[2] = 1;
  return TFN_CHECK_FAILED;
}

static int32_t checked(int64_t rows, const void* const* in, void* const* out,
                       const tfn_context* context) {
  const float* x = (const float*)in[0];
  float* y = (float*)out[0];
  for (int64_t i = 0; i < rows * 2; ++i) {
    if (x[i] < 0) return fail(context, 0, 3, i, x[i]);
  }
  for (int64_t i = 0; i < rows * 2; ++i) {
    if (x[i] == 0) return fail(context, 1, 0, i, 0);
    y[i] = 8 / x[i];
  }
  return 0;
}

static int32_t checked_2(const void* const* in, void* const* out, void* w,
                         const tfn_context* c) {
  (void)w;
  return checked(2, in, out, c);
}
static int32_t checked_4(const void* const* in, void* const* out, void* w,
                         const tfn_context* c) {
  (void)w;
  return checked(4, in, out, c);
}

static int32_t liar(const void* const* in, void* const* out, void* w,
                    const tfn_context* c) {
  const int32_t* x = (const int32_t*)in[0];
  (void)w;
  (void)out;
  return fail(c, x[0], x[1], x[2], 0.5);
}

static int32_t constant(const void* const* in, void* const* out, void* w,
                        const tfn_context* c) {
  (void)c;
  const int32_t* x = (const int32_t*)in[0];
  (void)w;
  *(int64_t*)out[0] = (int64_t)x[0] + x[1] + x[2] + x[3];
  return 0;
}

static int32_t failing(const void* const* in, void* const* out, void* w,
                       const tfn_context* c) {
  (void)c;
  (void)in, (void)out, (void)w;
  return 3;
}

static int32_t pair(const void* const* in, void* const* out, void* w,
                    const tfn_context* c) {
  (void)c;
  const float* a = (const float*)in[0];
  const double* b = (const double*)in[1];
  (void)w;
  for (int i = 0; i < 2; ++i) ((float*)out[0])[i] = a[i] * (float)b[0];
  *(double*)out[1] = b[0];
  return 0;
}

static int32_t total(const void* const* in, void* const* out, void* w,
                     const tfn_context* c) {
  const float* x = (const float*)in[0];
  (void)c;
  (void)w;
  for (int i = 0; i < 2; ++i) ((float*)out[0])[i] = x[i];
  *(float*)out[1] = x[0] + x[1];
  return 0;
}

static int32_t truths(const void* const* in, void* const* out, void* w,
                      const tfn_context* c) {
  const uint8_t* x = (const uint8_t*)in[0];
  (void)c;
  (void)w;
  for (int i = 0; i < 2; ++i) {
    ((int32_t*)out[0])[i] = x[3 * i] + x[3 * i + 1] + x[3 * i + 2];
  }
  return 0;
}

/* `of_w` and `of_x` are the numbers of the checks. */
static int32_t ratio(const void* const* in, void* const* out,
                     const tfn_context* context, int32_t of_w, int32_t of_x) {
  const float* x = (const float*)in[0];
  const float w = *(const float*)in[1];
  const int has_zero = x[0] == 0 || x[1] == 0;
  for (int i = 0; i < 2; ++i) ((float*)out[0])[i] = x[i] == 0 ? 0 : w / x[i];
  *(float*)out[1] = w;
  if (w < 0 && (of_w < of_x || !has_zero)) return fail(context, of_w, 1, 0, w);
  return has_zero ? fail(context, of_x, 0, x[0] != 0, 0) : 0;
}

static int32_t ratio_2(const void* const* in, void* const* out, void* w,
                       const tfn_context* c) {
  (void)w;
  return ratio(in, out, c, 0, 1);
}
static int32_t ratio_late_2(const void* const* in, void* const* out, void* w,
                            const tfn_context* c) {
  (void)w;
  return ratio(in, out, c, 1, 0);
}

static const int64_t rows_by_3[] = {-1, 3}, rows_by_2[] = {-1, 2};
static const int64_t rows_only[] = {-1}, four[] = {4};
static const tfn_tensor_spec affine_in[] = {{"x", TFN_FLOAT32, 2, rows_by_3}};
static const tfn_tensor_spec affine_out[] = {{"y", TFN_FLOAT32, 2, rows_by_3}};
static const tfn_tensor_spec mean_in[] = {{"x", TFN_FLOAT32, 1, rows_only}};
static const tfn_tensor_spec mean_out[] = {{"y", TFN_FLOAT32, 1, rows_only}};
static const tfn_tensor_spec checked_in[] = {{"x", TFN_FLOAT32, 2, rows_by_2}};
static const tfn_tensor_spec checked_out[] = {{"y", TFN_FLOAT32, 2, rows_by_2}};
static const tfn_tensor_spec constant_in[] = {{"x", TFN_INT32, 1, four}};
static const tfn_tensor_spec constant_out[] = {{"sum", TFN_INT64, 0, NULL}};
static const tfn_tensor_spec pair_in[] = {{"a", TFN_FLOAT32, 1, rows_only},
                                          {"b", TFN_FLOAT64, 0, NULL}};
static const tfn_tensor_spec pair_out[] = {{"product", TFN_FLOAT32, 1, rows_only},
                                           {"b", TFN_FLOAT64, 0, NULL}};
static const tfn_tensor_spec total_out[] = {{"x", TFN_FLOAT32, 1, rows_only},
                                            {"total", TFN_FLOAT32, 0, NULL}};
static const tfn_tensor_spec ratio_in[] = {{"x", TFN_FLOAT32, 1, rows_only},
                                           {"w", TFN_FLOAT32, 0, NULL}};
static const tfn_tensor_spec ratio_out[] = {{"y", TFN_FLOAT32, 1, rows_only},
                                            {"w", TFN_FLOAT32, 0, NULL}};
static const tfn_tensor_spec truths_in[] = {{"x", TFN_BOOL, 2, rows_by_3}};
static const tfn_tensor_spec truths_out[] = {{"sum", TFN_INT32, 1, rows_only}};
static const float total_of_nothing = 7;
static const void* const total_empty[] = {NULL, &total_of_nothing};

static const char affine_steps[] =
    "0\tcopy\t0\t\tx\n"
    "0\tkernel\t6\tMul\ty/mul\n";
static const tfn_variant affine_variants[] = {
    {1, 0, 2, 64, 64, affine_1, affine_steps},
    {4, 0, 2, 64, 64, affine_4, affine_steps},
    {16, 0, 2, 64, 64, affine_16, affine_steps}};
static const tfn_variant mean_variants[] = {{2, 0, 1, 0, 0, mean_2, ""},
                                            {4, 0, 1, 0, 0, mean_4, ""}};
static const tfn_variant checked_variants[] = {{2, 0, 1, 0, 0, checked_2, ""},
                                               {4, 0, 1, 0, 0, checked_4, ""}};
static const tfn_variant liar_variants[] = {{0, 0, 1, 0, 0, liar, ""}};
static const tfn_variant constant_variants[] = {{0, 0, 1, 0, 0, constant, ""}};
static const tfn_variant failing_variants[] = {{1, 0, 5, 0, 0, failing, ""}};
static const tfn_variant total_variants[] = {{2, 0, 1, 0, 0, total, ""}};
static const tfn_variant truths_variants[] = {{2, 0, 1, 0, 0, truths, ""}};
static const tfn_variant ratio_variants[] = {{2, 0, 1, 0, 0, ratio_2, ""}};
static const tfn_variant ratio_late_variants[] = {{2, 0, 1, 0, 0, ratio_late_2, ""}};
static const tfn_variant pair_variants[] = {{2, 0, 1, 0, 0, pair, ""}};

static const int64_t twice_the_rows[] = {-2}, two_by_2[] = {2, 2};
static const tfn_check checked_checks[] = {
    {"layer/GreaterEqual", "Assert", "x[{@}] = {f0} is not {{in}} [{i1}, inf): {b2}", 3,
     2, rows_by_2},
    {"layer/div", "Div", "Integer division by zero", 0, 1, twice_the_rows},
};
static const tfn_check ratio_checks[] = {
    {"weight", "Assert", "w = {f0} is negative", 1, 0, NULL},
    {"quotient", "Div", "division by zero", 0, 1, rows_only},
};
static const tfn_check ratio_late_checks[] = {
    {"quotient", "Div", "division by zero", 0, 1, rows_only},
    {"weight", "Assert", "w = {f0} is negative", 1, 0, NULL},
};
static const tfn_check liar_checks[] = {
    {"four", "Op", "at ({@}): {f0}", 1, 2, two_by_2},
    {"one", "Op", "at ({@}): {f0}", 1, 0, NULL},
    {"no such kind", "Op", "{x0}", 1, 0, NULL},
    {"no such value", "Op", "{i1}", 1, 0, NULL},
    {"half a brace", "Op", "a } b", 1, 0, NULL},
    {"no end", "Op", "a {i0", 1, 0, NULL},
    {"no batch", "Op", "{@}", 1, 1, rows_only},
};

static const tfn_signature signatures[] = {
    {"affine", TFN_SIGNATURE_ROWS_INDEPENDENT, 1, 1, 3, affine_in, affine_out,
     affine_variants},
    {"checked", TFN_SIGNATURE_ROWS_INDEPENDENT, 1, 1, 2, checked_in, checked_out,
     checked_variants, checked_checks, 2},
    {"constant", 0, 1, 1, 1, constant_in, constant_out, constant_variants},
    {"failing", TFN_SIGNATURE_ROWS_INDEPENDENT, 1, 1, 1, mean_in, mean_out,
     failing_variants},
    {"liar", 0, 1, 1, 1, constant_in, constant_out, liar_variants, liar_checks, 7},
    {"mean", 0, 1, 1, 2, mean_in, mean_out, mean_variants, NULL, 0, NULL,
     "there is no mean of nothing"},
    {"pair", TFN_SIGNATURE_ROWS_INDEPENDENT, 2, 2, 1, pair_in, pair_out, pair_variants},
    {"ratio", TFN_SIGNATURE_ROWS_INDEPENDENT, 2, 2, 1, ratio_in, ratio_out,
     ratio_variants, ratio_checks, 2},
    {"ratio_late", TFN_SIGNATURE_ROWS_INDEPENDENT, 2, 2, 1, ratio_in, ratio_out,
     ratio_late_variants, ratio_late_checks, 2},
    {"total", 0, 1, 2, 1, mean_in, total_out, total_variants, NULL, 0, total_empty,
     NULL},
    {"truths", TFN_SIGNATURE_ROWS_INDEPENDENT, 1, 1, 1, truths_in, truths_out,
     truths_variants},
};

static const tfn_cpu_level levels[] = {{"generic", 0}};
static const char manifest[] = "{\"name\": \"fake\"}";
static const char weights[4096] = "weights of the fake artifact";

static const tfn_artifact artifact = {TFN_ABI_VERSION,
                                      sizeof(tfn_artifact),
                                      "fake",
                                      "any-machine",
                                      1,
                                      11,
                                      levels,
                                      signatures,
                                      manifest,
                                      sizeof manifest - 1,
                                      weights,
                                      sizeof weights};

const tfn_artifact* fake_artifact(void);
const tfn_artifact* fake_artifact(void) { return &artifact; }
