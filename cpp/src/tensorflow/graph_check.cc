// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tensorflow/graph_check.h"

#include <cstdint>
#include <optional>
#include <string>

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
  std::string problem;                      // Of a tensor, the first.

  void fail(const std::string& what) {
    if (problem.empty()) problem = what;
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

void check_node(std::string_view message) {
  Node node;
  for (MessageReader reader(message); reader.next();) {
    if (reader.is(1, WireType::kBytes)) node.name = reader.bytes();
    if (reader.is(2, WireType::kBytes)) node.op = reader.bytes();
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
  if (node.problem.empty()) return;
  throw Error(Code::kInvalidArgument,
              "node " + quoted(node.name) + " has a constant with " + node.problem);
}

}  // namespace

void check_graph(std::string_view graph) {
  for (MessageReader reader(graph); reader.next();) {
    if (reader.is(1, WireType::kBytes)) check_node(reader.bytes());
    if (!reader.is(2, WireType::kBytes)) continue;
    for (MessageReader library(reader.bytes()); library.next();) {
      if (!library.is(1, WireType::kBytes)) continue;
      for (MessageReader function(library.bytes()); function.next();) {
        if (function.is(3, WireType::kBytes)) check_node(function.bytes());
      }
    }
  }
}

}  // namespace tfnative::internal
