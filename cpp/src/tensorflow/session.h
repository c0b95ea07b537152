// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// A SavedModel in a session of TensorFlow's, and how its signatures are run.
#pragma once

#include <string>
#include <vector>

#include "tensorflow/library.h"
#include "tensorflow/saved_model.h"
#include "tensorflow/status.h"
#include "tfnative/tensorflow_model.hpp"

namespace tfnative::internal {

// A signature, ready to run.
struct PreparedSignature {
  std::string where;  // Begins messages: "model 'm', signature 's'".
  std::vector<TensorSpec> inputs;
  std::vector<TF_Output> feeds;  // Different ones.
  // For each input its feed. Several names may stand for one tensor.
  std::vector<std::size_t> feed_of_input;
  // For each feed the first input that it is.
  std::vector<std::size_t> input_of_feed;
  std::vector<TF_Output> fetches;  // Different ones, and no feeds.
  // Where an output comes from: is fetched, or the same as an input or an earlier
  // output.
  enum class From { kFetch, kInput, kOutput };
  struct Output {
    From from;
    std::size_t index;
  };
  std::vector<Output> outputs;
  // Whether operations may keep inputs beyond the run: in variables, queues, tables.
  bool keeps_inputs = false;
};

// Immutable. Thread-safe.
class TensorflowSession {
 public:
  // Throws LoadError, with what TensorFlow says.
  TensorflowSession(const TensorflowLibrary& library, const std::string& folder,
                    const TensorflowOptions& options);
  ~TensorflowSession();
  TensorflowSession(const TensorflowSession&) = delete;
  TensorflowSession& operator=(const TensorflowSession&) = delete;

  const TensorflowLibrary& library() const { return library_; }

  // Finds its tensors. Throws LoadError.
  PreparedSignature prepare(const std::string& model, const SavedSignature& saved,
                            bool keeps_inputs) const;

  // Checks the inputs, and runs. Throws Error.
  std::vector<Tensor> run(const PreparedSignature& signature,
                          Span<const TensorView> inputs,
                          const TensorflowRun& options) const;

  std::vector<TensorflowDevice> devices() const;

 private:
  TF_Output find(const std::string& where, const TensorPlace& place) const;

  const TensorflowLibrary& library_;
  const TensorflowApi& api_;
  const TensorflowPtr<TF_Graph> graph_;
  TF_Session* session_ = nullptr;
};

}  // namespace tfnative::internal
