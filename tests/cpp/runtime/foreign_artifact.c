/* SPDX-FileCopyrightText: The tfnative authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * An artifact of another compiler, whose tables may make no sense. ROWS and SIZE are
 * its input's shape, STRUCT_BYTES is how large it says that its table is. A run takes
 * NAP_MICROS; y begins with how many runs there have been.
 */
#define _GNU_SOURCE
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "tfnative/abi.h"

#ifndef ROWS
#define ROWS -1
#endif
#ifndef SIZE
#define SIZE 3
#endif
#ifndef STRUCT_BYTES
#define STRUCT_BYTES sizeof(tfn_artifact)
#endif
#ifndef NAP_MICROS
#define NAP_MICROS 0
#endif

static int runs;

static int32_t run(const void* const* in, void* const* out, void* workspace,
                   const tfn_context* context) {
  const float count = (float)++runs;
  (void)in, (void)workspace, (void)context;
  usleep(NAP_MICROS);
  memcpy(out[0], &count, sizeof count);
  return 0;
}

static const int64_t shape[] = {ROWS, SIZE}, other_shape[] = {-1, 3};
static const tfn_tensor_spec inputs[] = {{"x", TFN_FLOAT32, 2, shape}};
static const tfn_tensor_spec outputs[] = {{"y", TFN_FLOAT32, 2, other_shape}};
static const tfn_variant variants[] = {{1, 0, 1, 0, 0, run, ""}};
static const tfn_signature signatures[] = {
    {"same", TFN_SIGNATURE_ROWS_INDEPENDENT, 1, 1, 1, inputs, outputs, variants}};
static const tfn_cpu_level levels[] = {{"generic", 0}};
static const char weights[4096] = "weights of the fake artifact";

static const tfn_artifact artifact = {TFN_ABI_VERSION,
                                      STRUCT_BYTES,
                                      "foreign",
                                      "any-machine",
                                      1,
                                      1,
                                      levels,
                                      signatures,
                                      "{}",
                                      2,
                                      weights,
                                      sizeof weights};

const tfn_artifact* foreign_artifact(void);
const tfn_artifact* foreign_artifact(void) { return &artifact; }
