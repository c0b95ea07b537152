// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tensorflow/graph_ops.h"

#include <algorithm>
#include <utility>

#include "proto/message_reader.h"

namespace tfnative::internal {
namespace {

// Parts of the names of operations that store tensors as they are given, not copies of
// their elements, or that write to tensors which others have, too. All others write to
// a tensor only where its memory is TensorFlow's own and nobody else has it.
constexpr std::string_view kTakers[] = {
    // Keep.
    "Accumulator",
    "Assign",
    "Barrier",
    "Dataset",
    "DenseHashTable",
    "Enqueue",
    "GetSessionHandle",
    "Iterator",
    "LookupTableImport",
    "LookupTableInsert",
    "PyFunc",
    "SparseToTensorsMap",
    "StackPush",
    "Stage",
    // Write.
    "Inplace",
};

// A tensorflow.NameAttrList.
std::string_view function_name(std::string_view message) {
  std::string_view name;
  for (MessageReader reader(message); reader.next();) {
    if (reader.is(1, WireType::kBytes)) name = reader.bytes();
  }
  return name;
}

// The functions in an entry of NodeDef.attr.
void read_attribute(std::string_view entry, std::vector<std::string_view>& functions) {
  std::string_view value;
  for (MessageReader reader(entry); reader.next();) {
    if (reader.is(2, WireType::kBytes)) value = reader.bytes();
  }
  for (MessageReader reader(value); reader.next();) {
    if (reader.is(10, WireType::kBytes)) {
      functions.push_back(function_name(reader.bytes()));
    } else if (reader.is(1, WireType::kBytes)) {  // A list.
      for (MessageReader list(reader.bytes()); list.next();) {
        if (list.is(9, WireType::kBytes)) {
          functions.push_back(function_name(list.bytes()));
        }
      }
    }
  }
}

// "^name" is an order, "name:1" a tensor.
std::string_view node_of(std::string_view input) {
  if (!input.empty() && input.front() == '^') input.remove_prefix(1);
  return input.substr(0, input.find(':'));
}

}  // namespace

GraphOps::GraphOps(std::string_view graph) {
  for (MessageReader reader(graph); reader.next();) {
    if (reader.is(1, WireType::kBytes)) {
      Node node;
      const std::string_view name = read_node(reader.bytes(), node);
      nodes_[name] = std::move(node);
    } else if (reader.is(2, WireType::kBytes)) {
      read_library(reader.bytes());
    }
  }
}

std::string_view GraphOps::read_node(std::string_view message, Node& node) {
  std::string_view name;
  for (MessageReader reader(message); reader.next();) {
    if (reader.type() != WireType::kBytes) continue;
    switch (reader.field()) {
      case 1: name = reader.bytes(); break;
      case 2: node.op = reader.bytes(); break;
      case 3: node.inputs.push_back(node_of(reader.bytes())); break;
      case 5: read_attribute(reader.bytes(), node.functions); break;
      default: break;
    }
  }
  return name;
}

// A tensorflow.FunctionDefLibrary.
void GraphOps::read_library(std::string_view message) {
  for (MessageReader library(message); library.next();) {
    if (!library.is(1, WireType::kBytes)) continue;
    std::string_view name;
    Function function;
    for (MessageReader reader(library.bytes()); reader.next();) {
      if (reader.is(1, WireType::kBytes)) {
        name = function_name(reader.bytes());  // Of an OpDef, in the same place.
      } else if (reader.is(3, WireType::kBytes)) {
        Node node;
        read_node(reader.bytes(), node);
        function.ops.push_back(node.op);
        function.functions.insert(function.functions.end(), node.functions.begin(),
                                  node.functions.end());
      }
    }
    functions_[name] = std::move(function);
  }
}

void GraphOps::add_function(std::string_view name, std::set<std::string_view>& seen,
                            std::set<std::string_view>& ops) const {
  std::vector<std::string_view> open = {name};
  while (!open.empty()) {
    const auto found = functions_.find(open.back());
    open.pop_back();
    if (found == functions_.end() || !seen.insert(found->first).second) continue;
    const Function& function = found->second;
    ops.insert(function.ops.begin(), function.ops.end());
    // The type of an operation may be a function's name.
    open.insert(open.end(), function.ops.begin(), function.ops.end());
    open.insert(open.end(), function.functions.begin(), function.functions.end());
  }
}

std::set<std::string_view> GraphOps::needed_for(
    const std::vector<TensorPlace>& outputs) const {
  std::set<std::string_view> ops, functions, seen;
  std::vector<std::string_view> open;
  for (const TensorPlace& place : outputs) open.push_back(place.operation);
  while (!open.empty()) {
    const auto found = nodes_.find(open.back());
    open.pop_back();
    if (found == nodes_.end() || !seen.insert(found->first).second) continue;
    const Node& node = found->second;
    ops.insert(node.op);
    add_function(node.op, functions, ops);
    for (const std::string_view name : node.functions) {
      add_function(name, functions, ops);
    }
    open.insert(open.end(), node.inputs.begin(), node.inputs.end());
  }
  return ops;
}

const GraphOps::Node* GraphOps::find(std::string_view name, std::string_view op) const {
  const auto found = nodes_.find(name);
  return found != nodes_.end() && found->second.op == op ? &found->second : nullptr;
}

bool GraphOps::has_variables(std::string_view restore_op) const {
  if (nodes_.find(restore_op) == nodes_.end()) return false;
  return std::any_of(nodes_.begin(), nodes_.end(), [](const auto& entry) {
    const std::string_view op = entry.second.op;
    return op == "VarHandleOp" || op == "VariableV2" || op == "Variable";
  });
}

std::vector<VariableCopy> GraphOps::variables_to_copy(
    std::string_view restore_op) const {
  std::vector<VariableCopy> result;
  const auto restore = nodes_.find(restore_op);
  if (restore == nodes_.end()) return result;
  const std::set<std::string_view> restored(restore->second.inputs.begin(),
                                            restore->second.inputs.end());
  std::set<std::string_view> assigned;
  for (const auto& [name, node] : nodes_) {
    if (node.op == "AssignVariableOp" && !node.inputs.empty()) {
      assigned.insert(node.inputs[0]);
    }
  }
  for (const std::string_view variable : restored) {
    const Node* const assign =
        find(std::string(variable) + "/Assign", "AssignVariableOp");
    if (assign == nullptr || assign->inputs.size() < 2) continue;
    const Node* const read = find(assign->inputs[1], "ReadVariableOp");
    if (read == nullptr || read->inputs.empty()) continue;
    const std::string_view other = read->inputs[0];
    const bool has_value = restored.count(other) > 0 || assigned.count(other) > 0;
    if (has_value || find(other, "VarHandleOp") == nullptr) continue;
    result.push_back({std::string(variable), std::string(other)});
  }
  return result;
}

bool may_take_inputs(const std::set<std::string_view>& ops) {
  return std::any_of(ops.begin(), ops.end(), [](std::string_view op) {
    return std::any_of(
        std::begin(kTakers), std::end(kTakers),
        [&](std::string_view part) { return op.find(part) != std::string_view::npos; });
  });
}

}  // namespace tfnative::internal
