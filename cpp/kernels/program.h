/* SPDX-FileCopyrightText: The tfnative authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What emitted programs are written in: calls of the kernels that XLA compiled,
 * and places in memory. Included by emitted C only.
 */
#ifndef TFNATIVE_PROGRAM_H_
#define TFNATIVE_PROGRAM_H_

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "float_mode.h"
#include "kernels.h"
#include "tfnative/abi.h"

/* Seen in the library only that it is linked into. */
#if defined(_WIN32)
#define TFN_HIDDEN
#else
#define TFN_HIDDEN __attribute__((visibility("hidden")))
#endif

/* --- Calls of XLA's kernels -------------------------------------------------
 *
 * The ABI of xla/backends/cpu/runtime/kernel_c_api.h in TensorFlow 2.21. */
typedef struct tfn_xla_dim3 {
  uint64_t x, y, z;
} tfn_xla_dim3;

/* XLA's code has 64-bit sizes on 32-bit machines, too. */
typedef struct tfn_xla_arg {
  void* data;
  uint64_t size;
} tfn_xla_arg;

typedef struct tfn_xla_frame {
  const tfn_xla_dim3* num_workgroups;
  const tfn_xla_dim3* workgroup_id;
  uint64_t num_args;
  const tfn_xla_arg* args;
} tfn_xla_frame;

/* Returns null, or an error. */
typedef void* tfn_xla_kernel(const tfn_xla_frame* frame);

/* Runs all workgroups of a kernel, in order. Returns 0 if none failed. */
static inline int tfn_xla_run(tfn_xla_kernel* kernel, tfn_xla_dim3 groups,
                              const tfn_xla_arg* args, size_t num_args) {
  tfn_xla_dim3 id;
  const tfn_xla_frame frame = {&groups, &id, num_args, args};
  for (id.z = 0; id.z < groups.z; ++id.z)
    for (id.y = 0; id.y < groups.y; ++id.y)
      for (id.x = 0; id.x < groups.x; ++id.x)
        if (kernel(&frame)) return 1;
  return 0;
}

#define TFN_CALL(step, kernel, x, y, z, ...)                                 \
  do {                                                                       \
    const tfn_xla_arg args_[] = {__VA_ARGS__};                               \
    const tfn_xla_dim3 groups_ = {x, y, z};                                  \
    if (tfn_xla_run(kernel, groups_, args_, sizeof args_ / sizeof args_[0])) \
      return step;                                                           \
  } while (0)

/* --- Calls of our kernels ---------------------------------------------------- */
typedef struct tfn_task {
  tfn_f32_kernel* kernel;
  const void* params;
  const tfn_operands* operands;
  size_t thread_bytes;
  int32_t parts;
} tfn_task;

static inline void tfn_run_part(void* argument, int32_t index) {
  const tfn_task* task = (const tfn_task*)argument;
  const tfn_part part = {index, task->parts};
  tfn_operands operands = *task->operands;
  operands.scratch = (char*)operands.scratch + (size_t)index * task->thread_bytes;
  const uint64_t mode = tfn_flush_denormals(); /* It may be any thread. */
  task->kernel(task->params, &operands, part);
  tfn_set_float_mode(mode);
}

/* Runs a kernel in as many parts as the caller has threads, each part with its own
 * scratch, `thread_bytes` after the one before. */
static inline void tfn_share(const tfn_context* context, tfn_f32_kernel* kernel,
                             const void* params, const tfn_operands* operands,
                             size_t thread_bytes) {
  if (context == 0 || context->threads <= 1) {
    const tfn_part all = {0, 1};
    kernel(params, operands, all);
  } else {
    tfn_task task = {kernel, params, operands, thread_bytes, context->threads};
    context->parallel(context->self, tfn_run_part, &task, task.parts);
  }
}

/* Begins step `number`, or with 0 ends the last. */
#define TFN_STEP(number)                       \
  do {                                         \
    if (context != 0 && context->on_step != 0) \
      context->on_step(context->self, number); \
  } while (0)

/* --- Checks ------------------------------------------------------------------
 *
 * What a run returns: 0, or TFN_CHECK_FAILED for the first of `count` checks that
 * failed. `words` has for each the position of the first bad element, or -1, and then
 * as many values as `value_counts` says. */
static inline int32_t tfn_find_failure(const void* words, const int32_t* value_counts,
                                       int32_t count, const tfn_context* context) {
  const int64_t* word = (const int64_t*)words;
  int32_t check = 0;
  while (check < count && word[0] < 0) word += 1 + value_counts[check++];
  if (check == count) return 0;
  const size_t needed = offsetof(tfn_context, failure) + sizeof(tfn_failure*);
  if (context == 0 || context->struct_bytes < needed || context->failure == 0)
    return TFN_CHECK_FAILED;
  tfn_failure* const failure = context->failure;
  failure->check = check;
  failure->value_count = value_counts[check];
  failure->position = word[0];
  for (int32_t i = 0; i < value_counts[check]; ++i) failure->values[i] = word[1 + i];
  return TFN_CHECK_FAILED;
}

/* --- Places in memory, by byte offset --------------------------------------- */
#if defined(TFN_WEIGHTS_APART) /* Where the caller has them: see bind_weights. */
extern const char* tfn_bound_weights TFN_HIDDEN;
#define TFN_WEIGHTS __atomic_load_n(&tfn_bound_weights, __ATOMIC_ACQUIRE)
#else
extern const char tfn_weights[] TFN_HIDDEN;
#define TFN_WEIGHTS tfn_weights
#endif

/* What a run begins with. */
#define TFN_FIND_WEIGHTS                   \
  const char* const weights = TFN_WEIGHTS; \
  if (TFN_WEIGHTS_ARE_MISSING(weights)) return TFN_NO_WEIGHTS

#if defined(TFN_WEIGHTS_APART)
#define TFN_WEIGHTS_ARE_MISSING(weights) ((weights) == 0)
#else
#define TFN_WEIGHTS_ARE_MISSING(weights) ((void)(weights), 0)
#endif

#define IN(i, offset) ((void*)((const char*)in[i] + (offset)))
#define OUT(i, offset) ((void*)((char*)out[i] + (offset)))
#define CONST(offset) ((void*)(weights + (offset)))
#define TEMP(offset) ((void*)((char*)workspace + (offset)))

#define TFN_ALIGNED(bytes) (((bytes) + 63u) / 64u * 64u)

/* --- A copy that changes the memory order ------------------------------------ */
typedef struct tfn_strided_copy {
  int32_t rank, element_bytes;                     /* 1 to 8 dimensions */
  int64_t dims[8], src_strides[8], dst_strides[8]; /* in elements */
} tfn_strided_copy;

static inline void tfn_copy_strided(const tfn_strided_copy* p, const void* src,
                                    void* dst) {
  int64_t index[8] = {0};
  const size_t bytes = (size_t)p->element_bytes;
  const char* from = (const char*)src;
  char* to = (char*)dst;
  for (;;) {
    memcpy(to, from, bytes);
    int32_t d = p->rank - 1;
    for (; d >= 0; --d) {
      from += p->src_strides[d] * (int64_t)bytes;
      to += p->dst_strides[d] * (int64_t)bytes;
      if (++index[d] < p->dims[d]) break;
      from -= p->src_strides[d] * (int64_t)bytes * p->dims[d];
      to -= p->dst_strides[d] * (int64_t)bytes * p->dims[d];
      index[d] = 0;
    }
    if (d < 0) return;
  }
}

#endif /* TFNATIVE_PROGRAM_H_ */
