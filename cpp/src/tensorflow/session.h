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

// A signature, or several at once, ready to run.
struct PreparedSignature {
  std::string where;  // Begins messages: "model 'm', signature 's'".
  std::vector<TensorSpec> inputs;
  // The tensors of the inputs and of the outputs. Several names may stand for one.
  std::vector<TF_Output> input_tensors, output_tensors;
  // Whether operations may keep inputs beyond the run, or write to them.
  bool takes_inputs = false;

  // The rest follows from the tensors.

  std::vector<TF_Output> feeds;  // Different ones.
  // For each input its feed.
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
};

// All inputs of these, one signature's after the other's, and likewise the outputs.
PreparedSignature combined(const std::string& where,
                           const std::vector<const PreparedSignature*>& signatures);

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
                            bool takes_inputs) const;

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
