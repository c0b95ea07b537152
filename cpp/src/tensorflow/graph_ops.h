// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Which operations a signature runs.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tensorflow/saved_model.h"

namespace tfnative::internal {

// Two variables, by their operations, of which the second is to have the first one's
// value.
struct VariableCopy {
  std::string from, to;

  bool operator==(const VariableCopy& other) const {
    return from == other.from && to == other.to;
  }
};

// The operations of a tensorflow.GraphDef, and what they need. Views lie in the
// message.
class GraphOps {
 public:
  // Throws Error (kInvalidArgument) if the message is damaged.
  explicit GraphOps(std::string_view graph);

  // The types of all operations that these tensors need, in functions, too: "MatMul".
  std::set<std::string_view> needed_for(const std::vector<TensorPlace>& outputs) const;

  // Whether there are variables, which `restore_op` reads from files.
  bool has_variables(std::string_view restore_op) const;

  // Variables that are not restored, although the model has their values: Keras 3's,
  // if a model was saved with tf.saved_model.save. It has each variable twice then:
  // one that `restore_op` restores, and one that signatures read, whose value the
  // first was initialized with.
  std::vector<VariableCopy> variables_to_copy(std::string_view restore_op) const;

 private:
  struct Node {
    std::string_view op;
    std::vector<std::string_view> inputs;     // Names of nodes.
    std::vector<std::string_view> functions;  // Names in attributes.
  };
  struct Function {
    std::vector<std::string_view> ops, functions;
  };

  const Node* find(std::string_view name, std::string_view op) const;
  void read_library(std::string_view message);
  void add_function(std::string_view name, std::set<std::string_view>& seen,
                    std::set<std::string_view>& ops) const;
  static std::string_view read_node(std::string_view message, Node& node);

  std::unordered_map<std::string_view, Node> nodes_;
  std::unordered_map<std::string_view, Function> functions_;
};

// Whether one of these operations may keep an input after the run, in a variable, a
// queue or a table, or write to it. Then it has to be given copies.
bool may_take_inputs(const std::set<std::string_view>& ops);

}  // namespace tfnative::internal
