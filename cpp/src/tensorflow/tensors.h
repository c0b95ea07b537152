// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// From views to TensorFlow's tensors, and from those to ours.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include "tensorflow/library.h"
#include "tfnative/tensorflow_model.hpp"

namespace tfnative::internal {

// Keeps the memory of a call's inputs as long as TensorFlow has some of it. Counts its
// users: the call, and each tensor that was handed over.
class InputLease {
 public:
  // With one user. `owner` may be null: then nothing may be handed over.
  explicit InputLease(std::shared_ptr<void> owner) : owner_(std::move(owner)) {}

  bool can_share() const { return owner_ != nullptr; }
  void add_user() { users_.fetch_add(1, std::memory_order_relaxed); }
  void release() {
    if (users_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 private:
  ~InputLease() = default;

  std::shared_ptr<void> owner_;
  std::atomic<std::size_t> users_{1};
};

// A tensor with the elements of a view. If the lease can share, numbers are left where
// they are. Null if there is no memory.
TF_Tensor* make_tensor(const TensorflowApi& api, const TensorView& view,
                       InputLease* lease);

// Takes an output over. What is not its own alone (a constant, a variable, an input, or
// another output) is copied. Throws Error: kUnimplemented for a type that we do not
// have, kResourceExhausted.
Tensor take_tensor(const TensorflowApi& api, TF_Tensor* tensor);

// A copy of a view. Throws Error (kResourceExhausted).
Tensor copy_tensor(const TensorflowApi& api, const TensorView& view);

}  // namespace tfnative::internal
