/* SPDX-FileCopyrightText: The tfnative authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Classifies 8x8 digits, one at a time, with a compiled model and no allocation
 * while it runs.
 *
 *   classify IMAGES [LABELS]
 *
 * IMAGES holds float32 numbers, 64 per image; LABELS one byte per image. Prints the
 * digit of each image, or with LABELS how many are right.
 */
#include <stdio.h>
#include <stdlib.h>

#include "digits.h"

enum { kPixels = 8 * 8, kClasses = 10, kAlignment = 64 };

/* What one call needs. The model wants 64-byte alignment. */
typedef struct {
  _Alignas(kAlignment) float image[kPixels];
  _Alignas(kAlignment) float probabilities[kClasses];
  void* workspace;
} buffers;

static void* allocate_workspace(void) {
  const size_t bytes = digits_serving_default_workspace_bytes(1);
  if (bytes == SIZE_MAX) return NULL; /* no code for this CPU */
  /* aligned_alloc wants a multiple of the alignment, and more than nothing. */
  return aligned_alloc(kAlignment, (bytes / kAlignment + 1) * kAlignment);
}

/* The most probable class of the image, or -1. */
static int classify(buffers* memory) {
  int best = 0;
  if (digits_serving_default(1, memory->image, memory->probabilities,
                             memory->workspace) != 0)
    return -1;
  for (int k = 1; k < kClasses; ++k)
    if (memory->probabilities[k] > memory->probabilities[best]) best = k;
  return best;
}

/* Returns the program's exit code. */
static int classify_all(FILE* images, FILE* labels, buffers* memory) {
  long rows = 0;
  long right = 0;
  while (fread(memory->image, sizeof memory->image, 1, images) == 1) {
    const int digit = classify(memory);
    if (digit < 0) {
      fprintf(stderr, "classify: the model failed\n");
      return 1;
    }
    ++rows;
    if (labels != NULL)
      right += fgetc(labels) == digit;
    else
      printf("%d\n", digit);
  }
  if (labels != NULL && rows > 0)
    printf("accuracy: %.4f (%ld of %ld)\n", (double)right / (double)rows, right, rows);
  return 0;
}

static FILE* open_file(const char* path) {
  FILE* file = fopen(path, "rb");
  if (file == NULL) perror(path);
  return file;
}

int main(int argc, char** argv) {
  static buffers memory;
  FILE* images = NULL;
  FILE* labels = NULL;
  int status = 1;

  if (argc < 2 || argc > 3) {
    fprintf(stderr, "usage: %s IMAGES [LABELS]\n", argv[0]);
    return 2;
  }
  memory.workspace = allocate_workspace();
  images = open_file(argv[1]);
  if (argc == 3) labels = open_file(argv[2]);
  if (memory.workspace == NULL)
    fprintf(stderr, "%s: the model has no code for this CPU\n", argv[0]);
  else if (images != NULL && (argc == 2 || labels != NULL))
    status = classify_all(images, labels, &memory);

  if (labels != NULL) fclose(labels);
  if (images != NULL) fclose(images);
  free(memory.workspace);
  return status;
}
