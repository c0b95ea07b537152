// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Loads a compiled model and runs it.
//
//   const tfnative::Model model = tfnative::Model::load("build/digits");
//   const std::int64_t in_shape[] = {rows, 8, 8, 1}, out_shape[] = {rows, 10};
//   const tfnative::TensorView in[] = {
//       {images, tfnative::DType::kFloat32, in_shape}};
//   const tfnative::MutableTensorView out[] = {
//       {probabilities, tfnative::DType::kFloat32, out_shape}};
//   model.run(model.default_signature(), in, out);
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tfnative/error.hpp"
#include "tfnative/tensor.hpp"
#include "tfnative/thread_pool.hpp"

struct tfn_artifact;  // tfnative/abi.h

namespace tfnative {

// The signature that is meant where none is named, if a model has it.
inline constexpr std::string_view kDefaultSignature = "serving_default";

// What a signature takes and gives, and what it was compiled for.
struct Signature {
  std::string name;
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
  std::vector<std::int64_t> batch_sizes;  // ascending; empty: no batch dimension
  // Whether any number of rows can be run. If not, only the compiled sizes can:
  // the rows of a batch influence each other.
  bool rows_independent = false;

  bool has_batch() const { return !batch_sizes.empty(); }
};

struct LoadOptions {
  // Name of the CPU level whose code to run ("x86-64-v3"). Empty: the one named
  // by the environment variable TFNATIVE_CPU_LEVEL, else the best that the
  // artifact has code for and this CPU can run.
  std::string cpu_level;
  // Whether to compare the weights with their checksum, which reads all of them: 1 GB
  // takes about 0.1 s, or as long as a disk takes. Weights in a file of their own are
  // always compared.
  bool verify = true;
  // Whether to map the model's files as they lie, and copy nothing: processes then
  // share the memory, which the system can also take back. For files that nobody writes
  // to while they are loaded: whoever does changes the results, or ends the process
  // with SIGBUS. What is replaced by renaming is another file, and harms nothing.
  bool map_in_place = false;
  // Called with the library's file and its bytes, after our own checks and before any
  // of it runs; what it throws, `load` throws. The bytes are those that then run. Not
  // with `map_in_place`, where they can change.
  std::function<void(const std::string& file, std::string_view bytes)> inspect;
  // What works on one call. Default: the calling thread alone.
  ThreadPool threads;
};

// Name of the best CPU level that this CPU can run, as "x86-64-v4"; "aarch64" where
// there are no levels.
std::string host_cpu_level();

// When a step of a compiled program ran.
struct StepEvent {
  std::int64_t batch_size;  // Of the variant; 0 without a batch dimension.
  std::int32_t step;        // 0-based line of Model::steps(signature, batch_size).
  std::int64_t begin_nanos, end_nanos;  // Since the call began.
};

// A compiled model in memory. A handle: copies share one model, which is unloaded
// with the last copy. Immutable: every method may be called from any number of
// threads at once. A moved-from Model can be assigned to or destroyed, no more.
class Model {
 public:
  // Loads an artifact: a folder with one library in it, or the library itself.
  // The file is copied into memory that nobody can change, unless options say
  // otherwise. Before it is opened, its checksum is verified, and that opening it runs
  // none of its code; before this returns, that of the weights, unless options say
  // otherwise. Loading one file several times shares its memory. Throws LoadError;
  // Error (kInvalidArgument) for options that exclude each other.
  static Model load(const std::string& path, const LoadOptions& options = {});

  // The name that it was compiled with.
  const std::string& name() const noexcept;
  // The library's file.
  const std::string& library_path() const noexcept;
  // Name of the CPU level whose code runs.
  const std::string& cpu_level() const noexcept;
  // Target triple that it was compiled for.
  const std::string& triple() const noexcept;
  // Text of manifest.json, as embedded in the library.
  std::string_view manifest() const noexcept;

  // The artifact's own tables.
  const tfn_artifact* artifact() const noexcept;

  // In the order of the artifact. References stay valid with the model.
  const std::vector<Signature>& signatures() const noexcept;
  // The signature of that name. Throws Error (kInvalidArgument).
  const Signature& signature(std::string_view name) const;
  // "serving_default" if there is one, else the only one.
  // Throws Error (kInvalidArgument) that lists them.
  const Signature& default_signature() const;

  // The number of rows that the inputs have: the size of their batch dimension,
  // or 1 for a signature without one. Checks names' count, types and shapes.
  // Throws Error (kInvalidArgument).
  std::int64_t count_rows(const Signature& signature,
                          Span<const TensorView> inputs) const;

  // Runs a signature of this model for any number of rows. Without any, outputs get
  // what TensorFlow gives for an empty batch, or it is refused as TensorFlow refuses
  // it.
  //
  // Views are in the order of the signature; outputs have as many rows as the
  // inputs. Memory stays the caller's; outputs must overlap neither inputs nor
  // each other. Memory aligned to kAlignmentBytes is used in place where a whole
  // compiled batch fits. Otherwise rows go through memory of a pool that belongs
  // to the model, so that a call allocates only while concurrency grows. The
  // first call that has to choose between compiled batch sizes runs each of them
  // a few times to learn what they cost.
  //
  // Throws Error: kInvalidArgument for a view that does not fit, a number of rows
  // that a signature with dependent rows was not compiled for, or data for which
  // TensorFlow raises an error (an index outside a table, a division by zero, an
  // assertion that does not hold): the message has TensorFlow's, the node and the
  // row; kInternal if the compiled code fails; kResourceExhausted without memory.
  // Outputs are unspecified then, all of them.
  void run(const Signature& signature, Span<const TensorView> inputs,
           Span<const MutableTensorView> outputs) const;

  // As `run`, but in the code that was compiled for exactly that number of rows: rows
  // are neither padded nor split, so that results are the same on every call. Throws
  // kInvalidArgument if there is none.
  void run_compiled(const Signature& signature, Span<const TensorView> inputs,
                    Span<const MutableTensorView> outputs) const;

  // As `run`, and returns when each step began and ended, in order.
  std::vector<StepEvent> profile(const Signature& signature,
                                 Span<const TensorView> inputs,
                                 Span<const MutableTensorView> outputs) const;

  // The steps of the code for a compiled batch size: a line each, as
  // tfn_variant.steps of abi.h describes. Empty if there is no such code.
  std::string_view steps(const Signature& signature, std::int64_t batch_size) const;

  // How many threads work on one call.
  int threads() const noexcept;

  // Bytes of memory that a run of a compiled batch size needs beside its inputs and
  // outputs. Throws kInvalidArgument if there is no such code.
  std::size_t workspace_bytes(const Signature& signature,
                              std::int64_t batch_size) const;

  // Nanoseconds that `run` is expected to take for that many rows, from what was
  // measured so far; 0 while that is not known. Costs next to nothing.
  std::int64_t expected_nanos(const Signature& signature,
                              std::int64_t rows) const noexcept;

  // Runs every compiled batch size of every signature on zeros, so that later
  // calls find weights in memory, workspaces allocated, and costs known. Takes
  // a few times as long as one run of each. Throws as `run`.
  void warmup() const;

 private:
  struct Impl;
  explicit Model(std::shared_ptr<const Impl> impl);

  std::shared_ptr<const Impl> impl_;
};

}  // namespace tfnative
