// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// How TensorFlow runs a model, and on what.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tfnative {

// What is not set is as TensorFlow has it.
struct TensorflowOptions {
  // The SavedModel's graph that has exactly these tags.
  std::vector<std::string> tags = {"serve"};

  // "cpu": no GPU is used. "gpu": a GPU has to be there. "gpu:1": only that GPU is
  // used. Empty: GPUs are used where there are some.
  std::string device;
  // Numbers of the GPUs that are used, in that order.
  std::optional<std::vector<int>> visible_gpus;
  // The share of a GPU's memory that is taken when it is first used.
  std::optional<double> gpu_memory_fraction;
  // Whether GPU memory is taken as it is needed, instead of nearly all at once.
  std::optional<bool> gpu_memory_growth;

  // Threads that work on one operation. TensorFlow has one such pool per process, which
  // the first model makes: a later one that asks for another size is refused.
  std::optional<int> intra_op_threads;
  // Threads that run operations which do not need each other, for this model alone. -1:
  // none, the calling thread runs them all.
  std::optional<int> inter_op_threads;

  // Whether operations are compiled with XLA where TensorFlow sees fit.
  std::optional<bool> xla;
  // "float16" (GPU) or "bfloat16" (CPU): where TensorFlow computes in that type instead
  // of float32 when it sees fit.
  std::string mixed_precision;

  // TensorFlow's library, unless the environment variable TFNATIVE_LIBTENSORFLOW names
  // one. Empty: where the dynamic linker looks.
  std::string library_path;
};

// TensorFlow's library.
struct TensorflowVersion {
  std::string path;
  std::string version;  // "2.21.0"
};

// What TensorFlow can run models on.
struct TensorflowDevice {
  std::string name;  // "/job:localhost/replica:0/task:0/device:GPU:0"
  std::string type;  // "CPU", "GPU"
  // As TensorFlow has it: what it may take of a GPU. For CPUs a number without meaning.
  std::int64_t memory_bytes;
};

// Opens the library, if it is not open. `library_path` is as in TensorflowOptions.
// Throws Error: kNotFound if there is none, kFailedPrecondition if it cannot be used.
TensorflowVersion tensorflow_version(const std::string& library_path = {});

// The devices that a model would find. Throws likewise, and what TensorFlow fails with.
std::vector<TensorflowDevice> tensorflow_devices(const TensorflowOptions& options = {});

}  // namespace tfnative
