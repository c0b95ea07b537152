// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Serialised tf.Example messages from Python, and tfnative._core.ExampleParser.
#pragma once

#include <pybind11/numpy.h>

#include <memory>
#include <string>
#include <vector>

#include "array.h"
#include "tfnative/example.hpp"

namespace tfnative::bindings {

// The messages of one call: bytes objects, which keep the memory alive, and views.
class Messages {
 public:
  // `value` is a sequence of bytes. Throws Error (kInvalidArgument) that begins with
  // `where`, or error_already_set.
  Messages(pybind11::handle value, const std::string& where);

  Span<const StringView> views() const { return {views_.data(), views_.size()}; }
  std::int64_t count() const { return static_cast<std::int64_t>(views_.size()); }

 private:
  pybind11::list objects_;  // Of our own: the caller may change his.
  std::vector<StringView> views_;
};

// What stands before compiled code: messages are parsed into some of its inputs.
struct ExampleHead {
  TensorSpec input;  // What the caller passes.
  ExampleParser parser;
  std::vector<std::size_t>
      feeds;  // For each feature an input of the code, or kNowhere.
};

inline constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

// A head for code with such inputs. `feeds` has the name of an input for each feature,
// "" for those that are only checked. Throws Error (kInvalidArgument) if they do not
// fit.
std::shared_ptr<const ExampleHead> make_head(const std::string& input,
                                             ExampleParser parser,
                                             const std::vector<std::string>& feeds,
                                             const std::vector<TensorInfo>& inputs);

bool operator==(const ExampleHead& a, const ExampleHead& b);

// Parses without the interpreter's lock. Throws Error that begins with `where`.
void parse(const ExampleParser& parser, const Messages& messages,
           Span<const MutableTensorView> outputs, const std::string& where);

void register_examples(pybind11::module_& module);

}  // namespace tfnative::bindings
