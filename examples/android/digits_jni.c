/* SPDX-FileCopyrightText: The tfnative authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What Digits.java calls: the model's memory, allocated once, and one image at a time.
 */
#include <jni.h>
#include <stdint.h>
#include <stdlib.h>

#include "digits.h"

enum { kAlignment = 64 };

/* Arrays that begin at multiples of 64 bytes, in one block. */
typedef struct model {
  void* block;
  float* image;
  float* probabilities;
  void* workspace;
} model;

static size_t rounded(size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

JNIEXPORT jlong JNICALL Java_com_example_digits_Digits_create(JNIEnv* env,
                                                              jclass self) {
  (void)env, (void)self;
  const size_t image = rounded(DIGITS_SERVING_DEFAULT_IMAGE_ELEMENTS * sizeof(float));
  const size_t probabilities =
      rounded(DIGITS_SERVING_DEFAULT_PROBABILITIES_ELEMENTS * sizeof(float));
  const size_t workspace = digits_serving_default_workspace_bytes(1);
  if (workspace == SIZE_MAX) return 0; /* No code for this CPU. */
  model* const made = malloc(sizeof *made);
  void* const block = malloc(image + probabilities + workspace + kAlignment);
  if (made == NULL || block == NULL) {
    free(made);
    free(block);
    return 0;
  }
  char* const first = (char*)block + (kAlignment - (uintptr_t)block % kAlignment);
  made->block = block;
  made->image = (float*)first;
  made->probabilities = (float*)(first + image);
  made->workspace = first + image + probabilities;
  return (jlong)(intptr_t)made;
}

JNIEXPORT jint JNICALL Java_com_example_digits_Digits_predict(JNIEnv* env, jclass self,
                                                              jlong handle,
                                                              jfloatArray image,
                                                              jfloatArray result) {
  (void)self;
  const model* const m = (const model*)(intptr_t)handle;
  (*env)->GetFloatArrayRegion(env, image, 0, DIGITS_SERVING_DEFAULT_IMAGE_ELEMENTS,
                              m->image);
  if ((*env)->ExceptionCheck(env)) return -1;
  const int32_t status =
      digits_serving_default(1, m->image, m->probabilities, m->workspace);
  if (status != 0) return status;
  (*env)->SetFloatArrayRegion(
      env, result, 0, DIGITS_SERVING_DEFAULT_PROBABILITIES_ELEMENTS, m->probabilities);
  return 0;
}

JNIEXPORT void JNICALL Java_com_example_digits_Digits_destroy(JNIEnv* env, jclass self,
                                                              jlong handle) {
  (void)env, (void)self;
  model* const made = (model*)(intptr_t)handle;
  if (made == NULL) return;
  free(made->block);
  free(made);
}
