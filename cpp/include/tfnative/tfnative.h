/* SPDX-FileCopyrightText: The tfnative authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The C API of the run time: loads a compiled model and runs it.
 *
 * 1. Functions that can fail return a tfn_code; TFN_OK is 0. If `error` is not
 *    null, a failure leaves its message there, cut to fit. Nothing is thrown.
 * 2. Structs that cross begin with `struct_bytes`: set it to their sizeof. They
 *    grow at their end only.
 * 3. Memory passed in stays the caller's. What is returned belongs to the model
 *    and lives as long as it does.
 * 4. A model is immutable: all functions but tfn_model_free may be called on one
 *    model from any number of threads at once.
 * 5. Strings are UTF-8 and end in 0.
 *
 *   tfn_error error;
 *   tfn_model* model;
 *   if (tfn_model_load("build/digits", NULL, &model, &error) != TFN_OK)
 *     return fail(error.message);
 *   ...
 *   tfn_model_free(model);
 */
#ifndef TFNATIVE_TFNATIVE_H_
#define TFNATIVE_TFNATIVE_H_

#include <stddef.h>
#include <stdint.h>

#include "tfnative/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Canonical status codes, numbered as gRPC and TensorFlow number them. */
typedef enum tfn_code {
  TFN_OK = 0,
  TFN_CANCELLED = 1,
  TFN_INVALID_ARGUMENT = 3,
  TFN_DEADLINE_EXCEEDED = 4,
  TFN_NOT_FOUND = 5,
  TFN_RESOURCE_EXHAUSTED = 8,
  TFN_FAILED_PRECONDITION = 9,
  TFN_UNIMPLEMENTED = 12,
  TFN_INTERNAL = 13,
  TFN_UNAVAILABLE = 14
} tfn_code;

#define TFN_ERROR_MESSAGE_BYTES 1024

/* Why a call failed; written on failure only. */
typedef struct tfn_error {
  char message[TFN_ERROR_MESSAGE_BYTES];
} tfn_error;

/* A loaded model. */
typedef struct tfn_model tfn_model;

/* Flags of tfn_load_options. Weights are not compared with their checksum, for which
 * all of them would be read. */
#define TFN_LOAD_UNVERIFIED 1u
/* Files are mapped as they lie, and not copied into memory that nobody can change:
 * processes then share them. Whoever writes to such a file while it is loaded changes
 * the results, or ends the process with SIGBUS. */
#define TFN_LOAD_IN_PLACE 2u

typedef struct tfn_load_options {
  size_t struct_bytes;   /* sizeof(tfn_load_options) */
  const char* cpu_level; /* name of the CPU level to run; null: the best one */
  int32_t threads;       /* how many work on one call; 0 and 1: the calling one */
  uint32_t flags;        /* any of TFN_LOAD_*, or 0 */
} tfn_load_options;

/* A dense row-major tensor in the caller's memory. In an array of these all
 * elements have the same struct_bytes, which is their distance. `data` of an
 * input is only read. Memory aligned to TFN_ALIGNMENT may be used in place. */
typedef struct tfn_tensor {
  size_t struct_bytes;  /* sizeof(tfn_tensor) */
  void* data;           /* may be null if the tensor has no elements */
  const int64_t* shape; /* `rank` sizes */
  int32_t rank;
  int32_t dtype; /* a tfn_dtype */
} tfn_tensor;

/* Loads an artifact: a folder with one library in it, or the library itself.
 * `options` may be null. On success `*model` is to be freed with tfn_model_free;
 * on failure it is null. TFN_NOT_FOUND: there is no such file.
 * TFN_FAILED_PRECONDITION: it is truncated, damaged, foreign, or made for another
 * machine, CPU or version; the message says which. */
tfn_code tfn_model_load(const char* path, const tfn_load_options* options,
                        tfn_model** model, tfn_error* error);

/* Unloads a model when no call on it is running. Null is allowed. */
void tfn_model_free(tfn_model* model);

const char* tfn_model_name(const tfn_model* model);

/* Name of the CPU level whose code runs. */
const char* tfn_model_cpu_level(const tfn_model* model);

/* Text of manifest.json; `bytes`, if not null, gets its length. */
const char* tfn_model_manifest(const tfn_model* model, size_t* bytes);

int32_t tfn_model_signature_count(const tfn_model* model);

/* What is known of the signature at `index`, or null if there is none. */
const tfn_signature* tfn_model_signature(const tfn_model* model, int32_t index);

/* The signature of that name; null means "serving_default", or else the only one.
 * Returns null if there is none. */
const tfn_signature* tfn_model_find_signature(const tfn_model* model, const char* name);

/* Runs a signature of this model for any number of rows, 0 included. Tensors are
 * in the order of the signature, inputs and outputs with the same number of rows;
 * outputs overlap neither inputs nor each other, and are unspecified on failure.
 * TFN_INVALID_ARGUMENT: a tensor does not fit, or TensorFlow raises an error for what
 * is in it (an index outside a table, a division by zero, an assertion that does not
 * hold): the message has TensorFlow's, the node and the row. TFN_INTERNAL: the compiled
 * code failed. TFN_RESOURCE_EXHAUSTED: out of memory. */
tfn_code tfn_model_run(const tfn_model* model, const tfn_signature* signature,
                       const tfn_tensor* inputs, int32_t input_count,
                       const tfn_tensor* outputs, int32_t output_count,
                       tfn_error* error);

/* Runs everything once, so that later calls find it warm. */
tfn_code tfn_model_warmup(const tfn_model* model, tfn_error* error);

#ifdef __cplusplus
}
#endif

#endif /* TFNATIVE_TFNATIVE_H_ */
