// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// tfnative._core.Batcher: the base of tfnative.Batcher.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <string>
#include <vector>

#include "arguments.h"
#include "completions.h"
#include "tfnative/batcher.hpp"

namespace tfnative::bindings {

// Something to batch: what it takes and gives, and what to run.
struct BatchSource {
  std::string model;  // Its name.
  Signature signature;
  BatchFunction function;
  std::shared_ptr<const ExampleHead> head = nullptr;  // What reads its inputs.
  pybind11::object feed = {}, tail = {};              // See SignatureInfo.
};

// A batcher with what each call needs of Python's objects.
class PyBatcher {
 public:
  PyBatcher(const BatchSource& source, const BatchOptions& options,
            const BatchScheduler& scheduler);

  // Calls keep it while they wait; `close` may drop it meanwhile.
  const std::shared_ptr<Batcher>& batcher() const { return batcher_; }
  const SignatureInfo& info() const { return info_; }
  // Throws Error (kInvalidArgument) if its inputs are not read in the same way.
  void swap(const BatchSource& source);

 private:
  const Signature signature_;
  SignatureInfo info_;  // Constant but for `feed` and `tail`: the last model's.
  const std::shared_ptr<Batcher> batcher_;
};

// A request that was submitted, with the arrays that it needs.
class PyRequest {
 public:
  PyRequest(BatchFuture future, std::shared_ptr<Batcher> batcher,
            std::vector<pybind11::array> inputs, pybind11::object result,
            pybind11::object finish);
  // Batch threads write to its arrays: it is taken out of the queue, or awaited.
  ~PyRequest();
  PyRequest(const PyRequest&) = delete;
  PyRequest& operator=(const PyRequest&) = delete;

  // Which one it is in the traces of its batcher.
  std::uint64_t id() const noexcept { return future_.id(); }
  bool cancel() const;
  // Throws Error if it would never be done.
  void check_waiting() const { future_.check_waiting(); }
  // Whether `result` has more to do than to hand over arrays.
  bool has_tail() const { return static_cast<bool>(finish_); }
  // What `predict` returns, once it is done. Throws Error.
  pybind11::object result() const;

 private:
  const BatchFuture future_;
  const std::shared_ptr<Batcher> batcher_;
  const std::vector<pybind11::array> inputs_;
  const pybind11::object result_;
  const pybind11::object finish_;  // See begin_tail.
};

void register_batcher(pybind11::module_& module);

}  // namespace tfnative::bindings
