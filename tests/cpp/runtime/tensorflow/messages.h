// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The messages of a SavedModel, field by field as TensorFlow's .proto files number
// them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/message_writer.h"
#include "tfnative/tensor.hpp"

namespace tfnative::testing {

using internal::MessageWriter;
using Dims = std::vector<std::int64_t>;
using Named = std::vector<std::pair<std::string, std::string>>;  // Name and message.

inline std::string map_entry(std::string_view key, std::string_view value) {
  MessageWriter entry;
  entry.add_bytes(1, key);
  entry.add_bytes(2, value);
  return entry.bytes();
}

// tensorflow.TensorShapeProto
inline std::string shape_message(const Dims& dims) {
  MessageWriter shape;
  for (const std::int64_t size : dims) {
    MessageWriter dim;
    dim.add_varint(1, size);
    shape.add_bytes(2, dim.bytes());
  }
  return shape.bytes();
}

inline std::string unknown_rank() {
  MessageWriter shape;
  shape.add_varint(3, 1);
  return shape.bytes();
}

// tensorflow.TensorInfo
inline std::string tensor_info(std::string_view name, std::int64_t dtype,
                               const std::string& shape) {
  MessageWriter info;
  info.add_bytes(1, name);
  info.add_varint(2, dtype);
  info.add_bytes(3, shape);
  return info.bytes();
}

inline std::string tensor_info(std::string_view name, DType dtype, const Dims& dims) {
  return tensor_info(name, static_cast<std::int64_t>(dtype), shape_message(dims));
}

// tensorflow.SignatureDef, from TensorInfos.
inline std::string signature_message(const Named& inputs, const Named& outputs) {
  MessageWriter signature;
  for (const auto& [name, info] : inputs) {
    signature.add_bytes(1, map_entry(name, info));
  }
  for (const auto& [name, info] : outputs) {
    signature.add_bytes(2, map_entry(name, info));
  }
  signature.add_bytes(3, "tensorflow/serving/predict");
  return signature.bytes();
}

// tensorflow.AttrValue
inline std::string type_attr(std::int64_t dtype) {
  MessageWriter value;
  value.add_varint(6, dtype);
  return value.bytes();
}

inline std::string function_attr(std::string_view function) {
  MessageWriter name, value;
  name.add_bytes(1, function);
  value.add_bytes(10, name.bytes());
  return value.bytes();
}

inline std::string functions_attr(const std::vector<std::string>& functions) {
  MessageWriter list, value;
  for (const std::string& function : functions) {
    MessageWriter name;
    name.add_bytes(1, function);
    list.add_bytes(9, name.bytes());
  }
  value.add_bytes(1, list.bytes());
  return value.bytes();
}

inline std::string tensor_attr(const std::string& tensor) {
  MessageWriter value;
  value.add_bytes(8, tensor);
  return value.bytes();
}

// tensorflow.TensorProto without content
inline std::string tensor_message(std::int64_t dtype, const Dims& dims) {
  MessageWriter tensor;
  tensor.add_varint(1, dtype);
  tensor.add_bytes(2, shape_message(dims));
  return tensor.bytes();
}

// tensorflow.NodeDef
inline std::string node_message(std::string_view name, std::string_view op,
                                const std::vector<std::string>& inputs = {},
                                const Named& attributes = {}) {
  MessageWriter node;
  node.add_bytes(1, name);
  node.add_bytes(2, op);
  for (const std::string& input : inputs) node.add_bytes(3, input);
  for (const auto& [key, value] : attributes) node.add_bytes(5, map_entry(key, value));
  return node.bytes();
}

// tensorflow.FunctionDef
inline std::string function_message(std::string_view name,
                                    const std::vector<std::string>& nodes) {
  MessageWriter signature, function;
  signature.add_bytes(1, name);
  function.add_bytes(1, signature.bytes());
  for (const std::string& node : nodes) function.add_bytes(3, node);
  return function.bytes();
}

// tensorflow.GraphDef
inline std::string graph_message(const std::vector<std::string>& nodes,
                                 const std::vector<std::string>& functions = {}) {
  MessageWriter graph, library;
  for (const std::string& node : nodes) graph.add_bytes(1, node);
  for (const std::string& function : functions) library.add_bytes(1, function);
  if (!functions.empty()) graph.add_bytes(2, library.bytes());
  return graph.bytes();
}

// tensorflow.MetaGraphDef
inline std::string meta_graph_message(const std::vector<std::string>& tags,
                                      const std::string& graph,
                                      const Named& signatures) {
  MessageWriter info, meta;
  for (const std::string& tag : tags) info.add_bytes(4, tag);
  meta.add_bytes(1, info.bytes());
  meta.add_bytes(2, graph);
  for (const auto& [name, signature] : signatures) {
    meta.add_bytes(5, map_entry(name, signature));
  }
  return meta.bytes();
}

// tensorflow.SavedModel
inline std::string saved_model_message(const std::vector<std::string>& meta_graphs) {
  MessageWriter model;
  model.add_varint(1, 1);
  for (const std::string& graph : meta_graphs) model.add_bytes(2, graph);
  return model.bytes();
}

}  // namespace tfnative::testing
