// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// TensorFlow's objects with an owner, and its errors as ours.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "tensorflow/c_api.h"
#include "tfnative/error.hpp"

namespace tfnative::internal {

// Deletes an object with the function of the C API that is made for it.
template <typename T>
class TensorflowDeleter {
 public:
  explicit TensorflowDeleter(void (*function)(T*) = nullptr) : function_(function) {}
  void operator()(T* object) const { function_(object); }

 private:
  void (*function_)(T*);
};

template <typename T>
using TensorflowPtr = std::unique_ptr<T, TensorflowDeleter<T>>;

template <typename T>
TensorflowPtr<T> owned(T* object, void (*deleter)(T*)) {
  return TensorflowPtr<T>(object, TensorflowDeleter<T>(deleter));
}

// Ours for a code of TensorFlow's (TF_Code). Those that we do not have become the one
// that is nearest.
Code code_from_tensorflow(int code);

// What a call has reported.
class TensorflowStatus {
 public:
  explicit TensorflowStatus(const TensorflowApi& api)
      : api_(api), status_(owned(api.TF_NewStatus(), api.TF_DeleteStatus)) {}

  TF_Status* get() const { return status_.get(); }
  bool ok() const { return api_.TF_GetCode(get()) == 0; }

  // TensorFlow's error after `where` and a colon. It is not ok.
  Error error(const std::string& where) const;
  // Throws it, if there is one.
  void check(const std::string& where) const {
    if (!ok()) throw error(where);
  }

 private:
  const TensorflowApi& api_;
  TensorflowPtr<TF_Status> status_;
};

}  // namespace tfnative::internal
