// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Runs one signature: checks tensors, cuts rows into batches, keeps memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/set_once.h"
#include "plan.h"
#include "tfnative/abi.h"
#include "tfnative/model.hpp"
#include "tfnative/thread_pool.hpp"
#include "workspace.h"

namespace tfnative::internal {

class Call;

// How a call is to run.
struct RunOptions {
  bool compiled_sizes_only = false;          // No padding, no splitting.
  std::vector<StepEvent>* events = nullptr;  // Gets what ran when.
};

// Thread-safe. The artifact and the pools outlive it.
class Runner {
 public:
  // `model` is the model's name, for messages. `level` is the CPU level to run.
  Runner(const std::string& model, const tfn_artifact& artifact,
         const tfn_signature& signature, std::int32_t level, WorkspacePool& pool,
         const ThreadPool& threads);
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  const Signature& signature() const { return signature_; }

  // Whether there is any code for the CPU level.
  bool has_code() const { return !variants_.empty(); }
  std::int64_t count_rows(Span<const TensorView> inputs) const;
  void run(Span<const TensorView> inputs, Span<const MutableTensorView> outputs,
           const RunOptions& options) const;
  // The code for that batch size, or null.
  const tfn_variant* variant(std::int64_t batch_size) const;
  std::size_t workspace_bytes(const tfn_variant& variant) const;
  std::int64_t expected_nanos(std::int64_t rows) const noexcept;
  void warmup() const;

 private:
  // What running needs to know of a tensor.
  struct Layout {
    std::size_t row_bytes;  // Of all of it, if it has no batch dimension.
    bool has_batch;
    bool is_bool;
  };

  // Rows [first, first + used) of a call, in a variant for `size` rows.
  struct Batch {
    std::size_t size, first, used;
  };
  struct Place {
    std::size_t bytes, used_bytes, offset, row_bytes;
    bool is_bool, copied;
  };

  [[noreturn]] void fail(const std::string& problem) const;
  const tfn_variant& compiled_for(std::int64_t rows) const;
  void run_batch(const tfn_variant& variant, Span<const TensorView> inputs,
                 Span<const MutableTensorView> outputs, std::int64_t first,
                 std::int64_t used, Call& call) const;
  void run_empty(Span<const TensorView> inputs, Span<const MutableTensorView> outputs,
                 Call& call) const;
  static Place place(const Layout& layout, const void* data, const Batch& batch);
  static Place place_of_input(const Layout& layout, const void* data,
                              const Batch& batch);
  static const void* copy_in(const Place& from, const void* data, char** free);
  void check_status(const tfn_variant& variant, std::int32_t status, const Batch& batch,
                    const Call& call) const;
  std::size_t first_check_without_rows(std::size_t begin) const;
  bool is_about_padding(const tfn_failure& failure) const;
  const Plan& plan() const;
  std::vector<double> measure() const;
  double measure(const tfn_variant& variant, Call& call) const;

  const Signature signature_;
  const std::string where_;  // Begins messages: names the model and the signature.
  std::vector<Layout> inputs_, outputs_;
  std::vector<const tfn_variant*> variants_;  // Ascending batch sizes.
  WorkspacePool& pool_;
  const ThreadPool& threads_;

  // The artifact's: what TensorFlow makes of no rows.
  const void* const* const empty_outputs_;
  const char* const empty_error_;
  const std::uint64_t weights_bytes_;
  const Span<const tfn_check> checks_;

  // What rows are split into, found when it first matters; and what variants take on
  // this machine, in nanoseconds, found by `warmup`.
  mutable SetOnce<Plan> plan_;
  mutable SetOnce<std::vector<double>> times_;
};

}  // namespace tfnative::internal
