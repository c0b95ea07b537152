/* SPDX-FileCopyrightText: The tfnative authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Uses the C API as a C program would. */
#include "headers_in_c.h"

#include "tfnative/tfnative.h"

int double_row_in_c(const char* path, const float* x, float* y) {
  tfn_error error;
  tfn_model* model;
  tfn_load_options options = {sizeof options, NULL, 2, 0};
  const int64_t shape[] = {1, 3};
  tfn_tensor in = {sizeof in, NULL, shape, 2, TFN_FLOAT32};
  tfn_tensor out = {sizeof out, NULL, shape, 2, TFN_FLOAT32};
  tfn_code code = tfn_model_load(path, &options, &model, &error);
  if (code != TFN_OK) return (int)code;
  in.data = (void*)(size_t)x;
  out.data = y;
  code = tfn_model_run(model, tfn_model_find_signature(model, "affine"), &in, 1, &out,
                       1, &error);
  tfn_model_free(model);
  return (int)code;
}
