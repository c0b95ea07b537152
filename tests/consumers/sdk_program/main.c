/* SPDX-FileCopyrightText: The tfnative authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * c_program MODEL IMAGES: prints the class of each image, one per line.
 */
#include <stdio.h>

#include "tfnative/tfnative.h"

static tfn_code classify(const tfn_model* model, float* image, tfn_error* error) {
  static const int64_t in_shape[] = {1, 8, 8, 1};
  static const int64_t out_shape[] = {1, 10};
  float probabilities[10];
  const tfn_tensor in = {sizeof(tfn_tensor), image, in_shape, 4, TFN_FLOAT32};
  const tfn_tensor out = {sizeof(tfn_tensor), probabilities, out_shape, 2, TFN_FLOAT32};
  const tfn_signature* signature = tfn_model_find_signature(model, NULL);
  int best = 0;
  const tfn_code code = tfn_model_run(model, signature, &in, 1, &out, 1, error);
  if (code != TFN_OK) return code;
  for (int k = 1; k < 10; ++k)
    if (probabilities[k] > probabilities[best]) best = k;
  printf("%d\n", best);
  return TFN_OK;
}

static tfn_code classify_all(const tfn_model* model, FILE* images, tfn_error* error) {
  float image[64];
  while (fread(image, sizeof image, 1, images) == 1) {
    const tfn_code code = classify(model, image, error);
    if (code != TFN_OK) return code;
  }
  return TFN_OK;
}

int main(int argc, char** argv) {
  tfn_error error;
  tfn_model* model;
  tfn_code code;
  FILE* images;
  if (argc != 3) return 2;
  code = tfn_model_load(argv[1], NULL, &model, &error);
  if (code == TFN_OK) {
    images = fopen(argv[2], "rb");
    if (images != NULL) {
      code = classify_all(model, images, &error);
      fclose(images);
    }
  }
  tfn_model_free(model);
  if (code == TFN_OK) return 0;
  fprintf(stderr, "%d: %s\n", (int)code, error.message);
  return 1;
}
