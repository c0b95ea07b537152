// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The signatures of a model, as Python names them.
#pragma once

#include <pybind11/pybind11.h>

#include <functional>
#include <string>
#include <vector>

#include "arguments.h"

namespace tfnative::bindings {

class SignatureTable {
 public:
  // `signatures` outlive it. `refuse` throws what the model throws for a name that it
  // has not, or, for an empty one, where none is named and there is no default.
  SignatureTable(std::string model, const std::vector<Signature>& signatures,
                 std::function<void(const std::string& name)> refuse);

  // The signature of that name (a str), or the default one for None.
  const SignatureInfo& find(pybind11::handle name) const;

  // Has callers of a signature pass serialised tf.Example messages; see make_head.
  // Throws LoadError if it does not fit them, or is not there.
  void put_examples(const std::string& signature, const std::string& input,
                    const ExampleParser& parser, const std::vector<std::string>& feeds);

  // Has callers of a signature pass what a Python function makes its inputs from: it
  // takes what they pass and returns a dict.
  void put_feed(const std::string& signature, pybind11::object feed);
  // Has callers of a signature get what a Python function makes of its outputs; see
  // SignatureInfo.
  void put_tail(const std::string& signature, pybind11::object tail);
  // Lets those functions go.
  void drop_parts();

  // (name, inputs, outputs, batch sizes, whether rows are independent) of each. A
  // tensor is (name, dtype, shape); the shape is None if the rank is not known.
  pybind11::list list() const;

 private:
  SignatureInfo& of_manifest(const std::string& signature);

  const std::string model_;
  std::vector<SignatureInfo> signatures_;
  const SignatureInfo* default_ = nullptr;
  const std::function<void(const std::string&)> refuse_;
};

}  // namespace tfnative::bindings
