/* SPDX-FileCopyrightText: The tfnative authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The C ABI of a compiled model: all that an artifact and the run time share.
 *
 * An artifact is a shared library libNAME.so (or an archive libNAME.a) that
 * exports one function, `const tfn_artifact* NAME_artifact(void)`, beside the
 * typed entry points of include/NAME.h. Everything reachable from the returned
 * pointer is constant, lives as long as the library is loaded, and may be read
 * from any thread.
 *
 * 1. Numbers are fixed-width and little-endian; strings are UTF-8 and end in 0.
 * 2. Structs grow at their end only; `struct_bytes` says how much is there.
 * 3. Memory is the caller's: an artifact allocates nothing, starts no thread,
 *    prints nothing, never aborts, and keeps no state but where weights are that it
 *    has apart.
 */
#ifndef TFNATIVE_ABI_H_
#define TFNATIVE_ABI_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TFN_ABI_VERSION 3u

/* What a run returns if it did not begin: there is no code for the batch size or this
 * CPU; the weights are apart, and not bound. */
#define TFN_NO_CODE (-1)
#define TFN_NO_WEIGHTS (-2)

/* What binding weights returns, or 0: they do not begin at a multiple of TFN_ALIGNMENT;
 * they have another size; their SHA-256 is another. */
#define TFN_WEIGHTS_NOT_ALIGNED (-3)
#define TFN_WEIGHTS_OTHER_SIZE (-4)
#define TFN_WEIGHTS_OTHER_DIGEST (-5)

/* What a run returns where TensorFlow raises an error: an index outside a table, a
 * division by zero, an assertion that does not hold. Nothing in the outputs means
 * anything then. */
#define TFN_CHECK_FAILED (-6)

/* What a function of NAME.h returns for an empty batch that TensorFlow refuses. */
#define TFN_EMPTY_REFUSED (-7)

/* Alignment, in bytes, of every tensor and workspace passed to `run`. */
#define TFN_ALIGNMENT 64u

/* Longest NAME of an artifact, without the final 0. */
#define TFN_MAX_NAME_BYTES 79u

/* Element types. The numbers are those of tensorflow.DataType. */
typedef enum tfn_dtype {
  TFN_FLOAT32 = 1,
  TFN_FLOAT64 = 2,
  TFN_INT32 = 3,
  TFN_UINT8 = 4,
  TFN_INT16 = 5,
  TFN_INT8 = 6,
  TFN_COMPLEX64 = 8,
  TFN_INT64 = 9,
  TFN_BOOL = 10,
  TFN_BFLOAT16 = 14,
  TFN_UINT16 = 17,
  TFN_COMPLEX128 = 18,
  TFN_FLOAT16 = 19,
  TFN_UINT32 = 22,
  TFN_UINT64 = 23
} tfn_dtype;

/* One input or output of a signature. Tensors are dense and row-major. */
typedef struct tfn_tensor_spec {
  const char* name;
  int32_t dtype;        /* a tfn_dtype */
  int32_t rank;         /* number of dimensions, 0 for a scalar */
  const int64_t* shape; /* `rank` sizes; -1, in the first place only: the batch */
} tfn_tensor_spec;

/* How many numbers a message about a failed check may have in it. */
#define TFN_MAX_CHECK_VALUES 8

/* Which check failed, and on what: the first of those that failed. */
typedef struct tfn_failure {
  int32_t check;       /* index into tfn_signature.checks */
  int32_t value_count; /* how many of `values` there are */
  int64_t position;    /* of the first bad element in what is checked, row-major */
  int64_t values[TFN_MAX_CHECK_VALUES]; /* floats as the bits of a double */
} tfn_failure;

/* What a caller lends to a run. A null pointer to it: the run stays in its thread,
 * and nobody watches. */
typedef struct tfn_context {
  uint32_t struct_bytes; /* sizeof(tfn_context) */
  int32_t threads;       /* how many may work at once, at least 1 */
  void* self;            /* passed to the functions below */

  /* Calls task(argument, part) for every part < parts, in any threads and order,
   * and returns when all have returned. Not called if `threads` is 1. */
  void (*parallel)(void* self, void (*task)(void* argument, int32_t part),
                   void* argument, int32_t parts);

  /* Null, or called before each step with its 1-based number in the order of
   * tfn_variant.steps, and with 0 after the last one, always in the thread of
   * the run. */
  void (*on_step)(void* self, int32_t step);

  tfn_failure* failure; /* null, or what is filled in for TFN_CHECK_FAILED */
} tfn_context;

/* Runs one variant.
 *
 * `inputs` and `outputs` hold one pointer per tensor in the signature's order,
 * each aligned to TFN_ALIGNMENT and as large as its shape at this batch size;
 * `workspace` is aligned likewise and has at least `workspace_bytes` bytes, and
 * `thread_bytes` more for each thread but the first of `context`.
 * Inputs are only read; booleans in them have to be bytes of 0 or 1.
 * Outputs and workspace must not overlap anything else.
 * Thread-safe as long as calls share no output and no workspace.
 * Returns 0, the 1-based number of the step that failed, TFN_NO_WEIGHTS or
 * TFN_CHECK_FAILED. */
typedef int32_t (*tfn_run_fn)(const void* const* inputs, void* const* outputs,
                              void* workspace, const tfn_context* context);

/* A signature compiled for one batch size and one CPU level. */
typedef struct tfn_variant {
  int64_t batch_size;       /* rows; 0 if the signature has no batch dimension */
  int32_t cpu_level;        /* index into tfn_artifact.cpu_levels */
  int32_t step_count;       /* number of steps in the program */
  uint64_t workspace_bytes; /* multiple of TFN_ALIGNMENT, may be 0 */
  uint64_t thread_bytes;    /* likewise */
  tfn_run_fn run;
  /* A line for each step, in order, of fields that are separated by tabs: how
   * deep it is nested (a loop's body is 1 deeper than the loop), what kind it is
   * ("convolution", "dot", "kernel" ...), floating-point operations of one run of
   * it (0 if not known), the TensorFlow op ("Conv2D", or empty), the name of its
   * node. */
  const char* steps;
} tfn_variant;

/* The rows of a batch do not influence each other: a batch may be padded up to
 * a compiled size, or split over several. Without this flag only the compiled
 * batch sizes can be run. */
#define TFN_SIGNATURE_ROWS_INDEPENDENT 1u

/* What TensorFlow checks while it runs a node, and compiled code with it.
 *
 * `message` is TensorFlow's, with these places in it: {@}, the coordinates of the bad
 * element, as "0,1"; {iN}, {fN} and {bN}, value N as an integer, a float, or true or
 * false; {{ and }}, a brace. */
typedef struct tfn_check {
  const char* node;
  const char* op;
  const char* message;
  int32_t value_count;
  int32_t rank;         /* of what is checked */
  const int64_t* shape; /* its sizes; -K stands for K times the batch size */
} tfn_check;

typedef struct tfn_signature {
  const char* name;
  uint32_t flags;
  int32_t input_count;
  int32_t output_count;
  int32_t variant_count;
  const tfn_tensor_spec* inputs;
  const tfn_tensor_spec* outputs;
  const tfn_variant* variants; /* by CPU level, then ascending batch size */
  const tfn_check* checks;     /* null if there are none */
  int32_t check_count;
  /* An empty batch is answered without running anything. `empty_outputs` has, for each
   * output without a batch, the bytes that TensorFlow gives for no rows, and null for
   * the others; it is null if nothing is known of empty batches. `empty_error`, if not
   * null, is what TensorFlow says to an empty batch that it refuses. */
  const void* const* empty_outputs;
  const char* empty_error;
} tfn_signature;

/* What a CPU must have to run the variants of one level: the level of the x86-64 psABI
 * (2, 3 or 4), or 0 for any CPU of the triple, and these features beside it. A run time
 * that does not know them takes them for a level that no CPU has. */
#define TFN_PSABI_LEVEL 0xFF
#define TFN_AVX_VNNI 0x100
#define TFN_AVX512_VNNI 0x200
#define TFN_DOTPROD 0x400  /* of aarch64 */
#define TFN_AMX_INT8 0x800 /* and the permission to use it, which Linux gives */
#define TFN_I8MM 0x1000    /* of aarch64 */

typedef struct tfn_cpu_level {
  const char* name;  /* "x86-64-v3", or "generic" */
  int32_t x86_level; /* the psABI level and features that it needs */
} tfn_cpu_level;

/* Lends the weights to an artifact that has them apart. They are only read, and stay
 * where they are for as long as it runs. Not to be called while it runs. Returns 0, or
 * one of TFN_WEIGHTS_*; then what was bound before stays bound. */
typedef int32_t (*tfn_bind_weights_fn)(const void* weights, uint64_t bytes);

typedef struct tfn_artifact {
  uint32_t abi_version;  /* TFN_ABI_VERSION of the compiler that wrote it */
  uint32_t struct_bytes; /* sizeof(tfn_artifact) of that compiler */
  const char* name;
  const char* triple;
  int32_t cpu_level_count;
  int32_t signature_count;
  const tfn_cpu_level* cpu_levels; /* ascending */
  const tfn_signature* signatures;
  const char* manifest;    /* the text of manifest.json */
  uint64_t manifest_bytes; /* without the final 0 */
  const void* weights;     /* constants of all variants, one copy; or null: apart */
  uint64_t weights_bytes;
  tfn_bind_weights_fn bind_weights; /* null unless they are apart */
} tfn_artifact;

typedef const tfn_artifact* (*tfn_artifact_fn)(void);

/* The last bytes of a shared library, so that a loader can refuse a broken file
 * without running any of it. `crc32` (that of zlib) covers the file from its
 * first byte to the trailer, but for the weights, which `weights_crc32c` (that of
 * iSCSI, RFC 3720, for which CPUs have instructions) covers. */
#define TFN_TRAILER_MAGIC "TFNATIVE"

typedef struct tfn_trailer {
  char magic[8];
  uint32_t abi_version;
  uint32_t crc32;
  uint64_t file_bytes;     /* of the whole file, this trailer included */
  uint64_t weights_offset; /* in the file */
  uint64_t weights_bytes;
  uint32_t weights_crc32c;           /* 0 if they are apart */
  uint32_t reserved;                 /* 0 */
  char name[TFN_MAX_NAME_BYTES + 1]; /* NAME of NAME_artifact, then zeros */
} tfn_trailer;

#ifdef __cplusplus
}
#endif

#endif /* TFNATIVE_ABI_H_ */
