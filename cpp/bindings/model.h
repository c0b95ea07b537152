// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// tfnative._core.Model: the base of tfnative.Model.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "signature_table.h"
#include "tfnative/model.hpp"

namespace tfnative::bindings {

// A loaded model with what each call needs of Python's objects. Until it is closed;
// calls that run then keep the model itself alive.
class PyModel {
 public:
  // `inspect` is None, or called with the library's path and a view of its bytes, which
  // is of no use once it has returned.
  PyModel(const std::string& path, const std::string& cpu_level,
          const ThreadPool& threads, bool verify, bool map_in_place,
          const pybind11::object& inspect);

  // Throws Error (kFailedPrecondition) if the model is closed.
  const Model& model() const;
  // The signature of that name (a str), or the default one for None.
  const SignatureInfo& find(pybind11::handle name) const {
    return signatures_->find(name);
  }
  // As SignatureTable::list.
  pybind11::list signature_list() const { return signatures_->list(); }
  // As SignatureTable::put_examples.
  void put_examples(const std::string& signature, const std::string& input,
                    const ExampleParser& parser,
                    const std::vector<std::string>& feeds) {
    signatures_->put_examples(signature, input, parser, feeds);
  }
  // As SignatureTable::put_feed.
  void put_feed(const std::string& signature, pybind11::object feed) {
    signatures_->put_feed(signature, std::move(feed));
  }
  // As SignatureTable::put_tail.
  void put_tail(const std::string& signature, pybind11::object tail) {
    signatures_->put_tail(signature, std::move(tail));
  }

  bool closed() const { return !model_; }
  void close() {
    model_.reset();
    signatures_->drop_parts();
  }

 private:
  const std::string path_;
  std::optional<Model> model_;
  std::optional<SignatureTable> signatures_;
};

void register_model(pybind11::module_& module);

// Adds `predict` to the class, as a function that Python calls directly, and what else
// runs the model.
void add_predict(pybind11::class_<PyModel>& type);

}  // namespace tfnative::bindings
