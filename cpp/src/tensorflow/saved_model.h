// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// What saved_model.pb says of a model's signatures.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tfnative/model.hpp"

namespace tfnative::internal {

// A tensor of a graph: an output of an operation.
struct TensorPlace {
  std::string operation;
  int index = 0;

  bool operator==(const TensorPlace& other) const {
    return operation == other.operation && index == other.index;
  }
};

// A signature, and where its tensors are in the graph, in the same order: by name.
struct SavedSignature {
  Signature signature;
  std::vector<TensorPlace> inputs, outputs;
  // Why it cannot be used, as "input 'x' is a sparse tensor". Empty: it can.
  std::string problem;
};

// A graph of a SavedModel. Views lie in the message that was read.
struct MetaGraph {
  std::vector<std::string> tags;
  std::vector<SavedSignature> signatures;  // By name.
  std::string_view graph;                  // tensorflow.GraphDef
};

// Reads a tensorflow.SavedModel. Throws Error (kInvalidArgument) if it is damaged.
std::vector<MetaGraph> read_meta_graphs(std::string_view saved_model);

// The content of a SavedModel's saved_model.pb. Throws LoadError.
std::string read_saved_model_file(const std::string& folder);

// The graph with exactly these tags, in any order. Throws LoadError (kNotFound), which
// lists those there are.
MetaGraph find_meta_graph(std::vector<MetaGraph> graphs,
                          const std::vector<std::string>& tags);

}  // namespace tfnative::internal
