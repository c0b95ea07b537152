// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// tfnative._core.TensorflowModel: the base of the model that TensorFlow runs.
#pragma once

#include <pybind11/pybind11.h>

#include <optional>
#include <string>

#include "signature_table.h"
#include "tfnative/tensorflow_model.hpp"

namespace tfnative::bindings {

// As PyModel.
class PyTensorflowModel {
 public:
  PyTensorflowModel(const std::string& path, const TensorflowOptions& options);
  ~PyTensorflowModel() { close(); }
  PyTensorflowModel(const PyTensorflowModel&) = delete;
  PyTensorflowModel& operator=(const PyTensorflowModel&) = delete;

  // Throws Error (kFailedPrecondition) if the model is closed.
  const TensorflowModel& model() const;
  const SignatureInfo& find(pybind11::handle name) const {
    return signatures_->find(name);
  }
  pybind11::list signature_list() const { return signatures_->list(); }

  bool closed() const { return !model_; }
  void close();

 private:
  const std::string path_;
  std::optional<TensorflowModel> model_;
  // What the table refers to, also when the model is closed.
  std::vector<Signature> own_signatures_;
  std::optional<SignatureTable> signatures_;
};

void register_tensorflow_model(pybind11::module_& module);

// Adds `predict` to the class, as a function that Python calls directly.
void add_predict(pybind11::class_<PyTensorflowModel>& type);

}  // namespace tfnative::bindings
