// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tensorflow/graph_check.h"

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/text.h"
#include "proto/message_reader.h"
#include "tfnative/error.hpp"
#include "tfnative/tensor.hpp"

namespace tfnative::internal {
namespace {

constexpr int kMaxRank = 254;  // TensorFlow's.
// A tensor of one value takes no room in the file, whatever its size.
constexpr std::int64_t kMaxElements = std::int64_t{1} << 33;

// A tensorflow.NodeDef, as far as it is looked at.
struct Node {
  std::string_view name, op;
  std::optional<std::int64_t> dtype;        // Of its attribute "dtype".
  std::optional<std::int64_t> value_dtype;  // Of the tensor in its attribute "value".
  int inputs = 0;                           // Without those that are only for order.
  std::string problem;                      // The first one.

  void fail(const std::string& what) {
    if (problem.empty()) problem = "a constant with " + what;
  }
};

// A tensorflow.TensorShapeProto. Returns how many elements it has, or 1 if it is wrong.
std::int64_t read_shape(std::string_view message, Node& node) {
  int rank = 0;
  std::int64_t elements = 1;
  bool is_empty = false;
  for (MessageReader reader(message); reader.next();) {
    if (reader.is(3, WireType::kVarint) && reader.varint() != 0) {
      node.fail("a shape that is not known");
    }
    if (!reader.is(2, WireType::kBytes)) continue;
    std::int64_t size = 0;
    for (MessageReader dim(reader.bytes()); dim.next();) {
      if (dim.is(1, WireType::kVarint)) size = static_cast<std::int64_t>(dim.varint());
    }
    if (size < 0) node.fail("a dimension of size " + std::to_string(size));
    if (++rank > kMaxRank) node.fail("too many dimensions");
    is_empty = is_empty || size == 0;
    if (size <= 0) continue;
    // Also beside a dimension of size 0: TensorFlow multiplies all.
    if (elements > kMaxElements / size) {
      node.fail("too many elements");
      return 1;
    }
    elements *= size;
  }
  return is_empty ? 0 : elements;
}

// A tensorflow.TensorProto. Returns its type.
std::int64_t read_tensor(std::string_view message, Node& node) {
  std::int64_t dtype = 0, elements = 1;
  std::string_view content;
  for (MessageReader reader(message); reader.next();) {
    if (reader.is(1, WireType::kVarint)) {
      dtype = static_cast<std::int64_t>(reader.varint());
    } else if (reader.is(2, WireType::kBytes)) {
      elements = read_shape(reader.bytes(), node);
    } else if (reader.is(4, WireType::kBytes)) {
      content = reader.bytes();
    }
  }
  const auto type = static_cast<DType>(dtype > 0 && dtype < 100 ? dtype : 0);
  const std::size_t bytes = type == DType::kString ? 0 : dtype_bytes(type);
  if (!content.empty() && bytes > 0 &&
      content.size() != static_cast<std::size_t>(elements) * bytes) {
    node.fail(std::to_string(content.size()) + " bytes for " +
              std::to_string(elements) + " elements of " + dtype_name(type));
  }
  return dtype;
}

// A tensorflow.AttrValue.
void read_value(std::string_view key, std::string_view message, Node& node) {
  for (MessageReader reader(message); reader.next();) {
    if (reader.is(6, WireType::kVarint) && key == "dtype") {
      node.dtype = static_cast<std::int64_t>(reader.varint());
    } else if (reader.is(8, WireType::kBytes)) {
      const std::int64_t dtype = read_tensor(reader.bytes(), node);
      if (key == "value") node.value_dtype = dtype;
    } else if (reader.is(1, WireType::kBytes)) {  // A list.
      for (MessageReader list(reader.bytes()); list.next();) {
        if (list.is(8, WireType::kBytes)) read_tensor(list.bytes(), node);
      }
    }
  }
}

Node read_node(std::string_view message) {
  Node node;
  for (MessageReader reader(message); reader.next();) {
    if (reader.is(1, WireType::kBytes)) node.name = reader.bytes();
    if (reader.is(2, WireType::kBytes)) node.op = reader.bytes();
    if (reader.is(3, WireType::kBytes))
      node.inputs += reader.bytes().rfind('^', 0) != 0;
    if (!reader.is(5, WireType::kBytes)) continue;
    std::string_view key, value;
    for (MessageReader entry(reader.bytes()); entry.next();) {
      if (entry.is(1, WireType::kBytes)) key = entry.bytes();
      if (entry.is(2, WireType::kBytes)) value = entry.bytes();
    }
    read_value(key, value, node);
  }
  if ((node.op == "Const" || node.op == "HostConst") && node.dtype &&
      node.value_dtype && *node.dtype != *node.value_dtype) {
    node.fail("another type than it says");
  }
  return node;
}

void check(const Node& node) {
  if (node.problem.empty()) return;
  throw Error(Code::kInvalidArgument,
              "node " + quoted(node.name) + " has " + node.problem);
}

// Asks once for each type.
class InputCounts {
 public:
  explicit InputCounts(const InputCount& count) : count_(count) {}

  void check(Node& node) {
    const auto [found, is_new] = counts_.try_emplace(node.op);
    if (is_new) found->second = count_(node.op);
    if (!found->second || *found->second == node.inputs) return;
    node.problem = std::to_string(node.inputs) + " inputs, and " +
                   std::string(node.op) + " takes " + std::to_string(*found->second);
  }

 private:
  const InputCount& count_;
  std::unordered_map<std::string_view, std::optional<int>> counts_;
};

}  // namespace

void check_graph(std::string_view graph, const InputCount& input_count) {
  InputCounts counts(input_count);
  for (MessageReader reader(graph); reader.next();) {
    if (reader.is(1, WireType::kBytes)) {
      Node node = read_node(reader.bytes());
      counts.check(node);
      check(node);
    }
    if (!reader.is(2, WireType::kBytes)) continue;
    for (MessageReader library(reader.bytes()); library.next();) {
      if (!library.is(1, WireType::kBytes)) continue;
      for (MessageReader function(library.bytes()); function.next();) {
        if (function.is(3, WireType::kBytes)) check(read_node(function.bytes()));
      }
    }
  }
}

}  // namespace tfnative::internal
