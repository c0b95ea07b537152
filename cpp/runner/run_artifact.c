/* SPDX-FileCopyrightText: The tfnative authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Runs one variant of the artifact that it is linked with, once:
 *
 *   run_artifact SIGNATURE VARIANT <inputs >outputs
 *
 * with the numbers that the two have in their tables, and the bytes of all inputs and
 * outputs one after the other. That is how an artifact is tried that is made for
 * another machine: in an emulator, or there. Exit codes: 0; 1 for a run that failed; 2
 * for input that does not fit; 3 if a check failed, and then it says which.
 *
 * TFN_ARTIFACT is its NAME_artifact. With a third argument, the file of the weights.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tfnative/abi.h"

extern const tfn_artifact* TFN_ARTIFACT(void);

static size_t dtype_bytes(int32_t dtype) {
  switch (dtype) {
    case TFN_UINT8:
    case TFN_INT8:
    case TFN_BOOL: return 1;
    case TFN_INT16:
    case TFN_UINT16:
    case TFN_FLOAT16:
    case TFN_BFLOAT16: return 2;
    case TFN_FLOAT32:
    case TFN_INT32:
    case TFN_UINT32: return 4;
    case TFN_COMPLEX128: return 16;
    default: return 8;
  }
}

static size_t tensor_bytes(const tfn_tensor_spec* spec, int64_t batch) {
  size_t bytes = dtype_bytes(spec->dtype);
  for (int32_t d = 0; d < spec->rank; ++d) {
    bytes *= (size_t)(spec->shape[d] < 0 ? batch : spec->shape[d]);
  }
  return bytes;
}

/* Never null; aligned to TFN_ALIGNMENT; filled with what no result is. Or, for tools
 * that find reads of what was never written, not filled at all. */
static void* allocate(size_t bytes) {
  char* const block = (char*)malloc(bytes + TFN_ALIGNMENT);
  if (block == NULL) exit(2);
  char* const aligned =
      block + (TFN_ALIGNMENT - (uintptr_t)block % TFN_ALIGNMENT) % TFN_ALIGNMENT;
#if !defined(TFN_UNFILLED)
  for (size_t i = 0; i < bytes; ++i) aligned[i] = (char)0xa5;
#endif
  return aligned;
}

static int bind(const tfn_artifact* artifact, const char* file) {
  void* const weights = allocate((size_t)artifact->weights_bytes);
  FILE* const from = fopen(file, "rb");
  if (from == NULL) return 2;
  const size_t bytes = fread(weights, 1, (size_t)artifact->weights_bytes, from);
  fclose(from);
  return artifact->bind_weights(weights, bytes) == 0 ? 0 : 2;
}

/* Says which check failed: its message with the places for numbers, and the numbers. */
static void describe(const tfn_signature* signature, const tfn_failure* failure) {
  if (failure->check < 0 || failure->check >= signature->check_count) {
    fprintf(stderr, "check %d failed, which there is not\n", (int)failure->check);
    return;
  }
  const tfn_check* const check = &signature->checks[failure->check];
  fprintf(stderr, "%s (node '%s', %s, element %lld, values", check->message,
          check->node, check->op, (long long)failure->position);
  for (int32_t i = 0; i < failure->value_count && i < TFN_MAX_CHECK_VALUES; ++i) {
    fprintf(stderr, " %lld", (long long)failure->values[i]);
  }
  fprintf(stderr, ")\n");
}

int main(int argc, char** argv) {
  const tfn_artifact* const artifact = TFN_ARTIFACT();
  if (argc < 3 || atoi(argv[1]) >= artifact->signature_count) return 2;
  const tfn_signature* const signature = &artifact->signatures[atoi(argv[1])];
  if (atoi(argv[2]) >= signature->variant_count) return 2;
  const tfn_variant* const variant = &signature->variants[atoi(argv[2])];
  if (argc > 3 && bind(artifact, argv[3]) != 0) return 2;

  const size_t inputs = (size_t)signature->input_count;
  const size_t outputs = (size_t)signature->output_count;
  const void** const in = (const void**)allocate((inputs + 1) * sizeof *in);
  void** const out = (void**)allocate((outputs + 1) * sizeof *out);
  for (size_t i = 0; i < inputs; ++i) {
    const size_t bytes = tensor_bytes(&signature->inputs[i], variant->batch_size);
    void* const tensor = allocate(bytes);
    if (fread(tensor, 1, bytes, stdin) != bytes) return 2;
    in[i] = tensor;
  }
  if (getchar() != EOF) return 2;
  for (size_t i = 0; i < outputs; ++i) {
    out[i] = allocate(tensor_bytes(&signature->outputs[i], variant->batch_size));
  }
  tfn_failure failure = {-1, 0, 0, {0}};
  const tfn_context context = {
      .struct_bytes = sizeof context, .threads = 1, .failure = &failure};
  const int32_t status =
      variant->run(in, out, allocate((size_t)variant->workspace_bytes), &context);
  if (status == TFN_CHECK_FAILED) {
    describe(signature, &failure);
    return 3;
  }
  if (status != 0) {
    fprintf(stderr, "step %d failed\n", (int)status);
    return 1;
  }
  for (size_t i = 0; i < outputs; ++i) {
    const size_t bytes = tensor_bytes(&signature->outputs[i], variant->batch_size);
    if (fwrite(out[i], 1, bytes, stdout) != bytes) return 2;
  }
  return fflush(stdout) == 0 ? 0 : 2;
}
