// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// From what a caller passes to `predict` to views of it, and back.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <utility>
#include <vector>

#include "array.h"
#include "examples.h"
#include "tfnative/model.hpp"

namespace tfnative::bindings {

// What is known of a signature, ready for use at each call.
struct SignatureInfo {
  // `model` is the model's name, for messages. `of` outlives it.
  SignatureInfo(const std::string& model, const Signature& of);

  const Signature& signature;
  pybind11::str name;
  std::string where;  // Begins messages: names the model and the signature.
  std::vector<TensorInfo> inputs, outputs;  // Of the code that runs.

  // Has callers pass messages in the place of the inputs that they are parsed into.
  void put_head(std::shared_ptr<const ExampleHead> head);

  // Makes a dict of the code's inputs from what callers pass, if callers pass something
  // else. A Python function, or null.
  pybind11::object feed;
  // Takes what callers pass, and returns a function that makes what they get of a dict
  // with the code's outputs and of `out`. A Python function, or null.
  pybind11::object tail;

  std::shared_ptr<const ExampleHead> head;  // Or null.
  std::vector<TensorInfo> given;  // With a head: what callers pass, messages first.
  std::vector<std::size_t>
      given_feeds;  // The input of the code for each but the first.
};

// The tensors of one call: arrays, which keep the memory alive, and views of it.
template <typename View>
struct Tensors {
  explicit Tensors(std::size_t count) {
    arrays.reserve(count);
    views.reserve(count);
  }

  template <typename Pointer>
  void add(pybind11::array array, DType dtype, Pointer data) {
    views.push_back({data, dtype, shape_of(array)});
    arrays.push_back(std::move(array));
  }

  Span<const View> span() const { return {views.data(), views.size()}; }

  std::vector<pybind11::array> arrays;
  std::vector<View> views;
  // What views of strings point to, and the objects that have the bytes: an array of
  // objects may be changed meanwhile.
  std::vector<std::vector<StringView>> strings;
  std::vector<pybind11::object> texts;
};

using Inputs = Tensors<TensorView>;
using Outputs = Tensors<MutableTensorView>;

// `value` if it is an array, a dict or a sequence; a dict if it is another mapping.
// `value` is borrowed from Python's stack; `owned` keeps what is new.
pybind11::handle as_dict_or_value(pybind11::handle value, pybind11::object& owned);

// Throws Error (kInvalidArgument), or error_already_set.
void read_inputs(const SignatureInfo& info, pybind11::handle value, Inputs& inputs);

// What makes a caller's result of a dict with the code's outputs and of `out`, or null
// if these are what callers get.
pybind11::object begin_tail(const SignatureInfo& info, pybind11::handle value);

// New arrays for so many rows.
void make_outputs(const SignatureInfo& info, std::int64_t rows, Outputs& outputs);

// The caller's arrays. Throws as read_inputs.
void take_outputs(const SignatureInfo& info, pybind11::handle out, const Inputs& inputs,
                  Outputs& outputs);

// What `predict` returns: a dict, or the only array.
pybind11::object result_of(const SignatureInfo& info,
                           const std::vector<pybind11::array>& outputs, bool as_dict);

}  // namespace tfnative::bindings
