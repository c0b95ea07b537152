// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tensorflow/session.h"

#include <algorithm>
#include <cstring>

#include "base/inline_vector.h"
#include "base/text.h"
#include "tensor_check.h"
#include "tensorflow/config.h"
#include "tensorflow/devices.h"
#include "tensorflow/tensors.h"

namespace tfnative::internal {
namespace {

bool same(const TF_Output& a, const TF_Output& b) {
  return a.oper == b.oper && a.index == b.index;
}

// The index of `output`, or the size if it is not there.
std::size_t find_output(const std::vector<TF_Output>& all, const TF_Output& output) {
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const TF_Output& x) { return same(x, output); });
  return static_cast<std::size_t>(found - all.begin());
}

// Finds out what to feed and to fetch.
void plan(PreparedSignature& result) {
  for (std::size_t i = 0; i < result.input_tensors.size(); ++i) {
    const TF_Output& input = result.input_tensors[i];
    const std::size_t feed = find_output(result.feeds, input);
    if (feed == result.feeds.size()) {
      result.feeds.push_back(input);
      result.input_of_feed.push_back(i);
    }
    result.feed_of_input.push_back(feed);
  }
  using From = PreparedSignature::From;
  std::vector<std::size_t> output_of_fetch;
  for (const TF_Output& output : result.output_tensors) {
    const std::size_t fed = find_output(result.feeds, output);
    if (fed < result.feeds.size()) {  // TensorFlow fetches nothing that is fed.
      result.outputs.push_back({From::kInput, result.input_of_feed[fed]});
      continue;
    }
    const std::size_t fetch = find_output(result.fetches, output);
    if (fetch < result.fetches.size()) {
      result.outputs.push_back({From::kOutput, output_of_fetch[fetch]});
      continue;
    }
    output_of_fetch.push_back(result.outputs.size());
    result.outputs.push_back({From::kFetch, fetch});
    result.fetches.push_back(output);
  }
}

// The tensors of one run, which are let go with it.
class Tensors {
 public:
  Tensors(const TensorflowApi& api, std::size_t size) : api_(api), tensors_(size) {
    for (std::size_t i = 0; i < size; ++i) tensors_[i] = nullptr;
  }
  ~Tensors() {
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      if (tensors_[i] != nullptr) api_.TF_DeleteTensor(tensors_[i]);
    }
  }
  Tensors(const Tensors&) = delete;
  Tensors& operator=(const Tensors&) = delete;

  TF_Tensor*& operator[](std::size_t index) { return tensors_[index]; }
  TF_Tensor** data() { return tensors_.data(); }
  int size() const { return static_cast<int>(tensors_.size()); }

 private:
  const TensorflowApi& api_;
  InlineVector<TF_Tensor*> tensors_;
};

// A user of a lease for a scope.
class LeaseUser {
 public:
  explicit LeaseUser(std::shared_ptr<void> owner)
      : lease_(new InputLease(std::move(owner))) {}
  ~LeaseUser() { lease_->release(); }
  LeaseUser(const LeaseUser&) = delete;
  LeaseUser& operator=(const LeaseUser&) = delete;

  InputLease* get() const { return lease_; }

 private:
  InputLease* const lease_;
};

// Of two views that fit one TensorSpec.
bool equal(const TensorView& a, const TensorView& b) {
  if (!std::equal(a.shape.begin(), a.shape.end(), b.shape.begin(), b.shape.end())) {
    return false;
  }
  std::size_t elements = 1;
  for (const std::int64_t size : a.shape) elements *= static_cast<std::size_t>(size);
  if (elements == 0 || a.data == b.data) return true;
  if (a.dtype == DType::kBool) {
    const auto* const x = static_cast<const unsigned char*>(a.data);
    const auto* const y = static_cast<const unsigned char*>(b.data);
    return std::equal(x, x + elements, y, [](unsigned char s, unsigned char t) {
      return (s != 0) == (t != 0);
    });
  }
  if (a.dtype != DType::kString) {
    return std::memcmp(a.data, b.data, elements * dtype_bytes(a.dtype)) == 0;
  }
  const auto* const x = static_cast<const StringView*>(a.data);
  const auto* const y = static_cast<const StringView*>(b.data);
  return std::equal(x, x + elements, y, [](const StringView& s, const StringView& t) {
    return std::string_view(s.data, s.size) == std::string_view(t.data, t.size);
  });
}

void check_inputs(const PreparedSignature& signature, Span<const TensorView> inputs) {
  check_known_sizes(signature.where, signature.inputs, inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::size_t first = signature.input_of_feed[signature.feed_of_input[i]];
    if (first != i && !equal(inputs[first], inputs[i])) {
      throw Error(Code::kInvalidArgument,
                  signature.where + ": inputs " + quoted(signature.inputs[first].name) +
                      " and " + quoted(signature.inputs[i].name) +
                      " are one tensor of the model, and their values differ");
    }
  }
}

}  // namespace

TensorflowSession::TensorflowSession(const TensorflowLibrary& library,
                                     const std::string& folder,
                                     const TensorflowOptions& options)
    : library_(library),
      api_(library.api()),
      graph_(owned(api_.TF_NewGraph(), api_.TF_DeleteGraph)) {
  const auto session_config = session_options(library, options);
  std::vector<const char*> tags;
  for (const std::string& tag : options.tags) tags.push_back(tag.c_str());
  const TensorflowStatus status(api_);
  session_ = api_.TF_LoadSessionFromSavedModel(
      session_config.get(), nullptr, folder.c_str(), tags.data(),
      static_cast<int>(tags.size()), graph_.get(), nullptr, status.get());
  if (status.ok()) return;
  const Error error =
      status.error("TensorFlow cannot load the SavedModel " + quoted(folder));
  throw LoadError(error.what(), error.code());
}

TensorflowSession::~TensorflowSession() {
  const TensorflowStatus status(api_);
  api_.TF_DeleteSession(session_, status.get());
}

TF_Operation* TensorflowSession::add_operation(const char* op, const std::string& name,
                                               int dtype,
                                               const std::vector<TF_Output>& inputs) {
  TF_OperationDescription* const description =
      api_.TF_NewOperation(graph_.get(), op, name.c_str());
  for (const TF_Output& input : inputs) api_.TF_AddInput(description, input);
  api_.TF_SetAttrType(description, "dtype", dtype);
  const TensorflowStatus status(api_);
  TF_Operation* const operation =
      api_.TF_FinishOperation(description, status.get());  // Deletes it, too.
  status.check("cannot copy variable " + quoted(name));
  return operation;
}

void TensorflowSession::copy_variables(const std::vector<VariableCopy>& copies) {
  if (copies.empty()) return;
  const std::string where = "the variables";
  std::vector<const TF_Operation*> targets;
  try {
    for (const VariableCopy& copy : copies) {
      const TF_Output from = find(where, {copy.from, 0});
      const TF_Output to = find(where, {copy.to, 0});
      int dtype = 0;
      const TensorflowStatus status(api_);
      api_.TF_OperationGetAttrType(from.oper, "dtype", &dtype, status.get());
      status.check(quoted(copy.from));
      const std::string name = "tfnative/" + copy.to;
      TF_Operation* const read =
          add_operation("ReadVariableOp", name + "/read", dtype, {from});
      targets.push_back(
          add_operation("AssignVariableOp", name + "/assign", dtype, {to, {read, 0}}));
    }
    const TensorflowStatus status(api_);
    api_.TF_SessionRun(session_, nullptr, nullptr, nullptr, 0, nullptr, nullptr, 0,
                       targets.data(), static_cast<int>(targets.size()), nullptr,
                       status.get());
    status.check("cannot copy variables");
  } catch (const Error& error) {
    throw LoadError(error.what(), error.code());
  }
}

TF_Output TensorflowSession::find(const std::string& where,
                                  const TensorPlace& place) const {
  TF_Operation* const operation =
      api_.TF_GraphOperationByName(graph_.get(), place.operation.c_str());
  if (operation == nullptr || place.index >= api_.TF_OperationNumOutputs(operation)) {
    throw LoadError(where + ": the graph has no tensor " +
                    quoted(place.operation + ":" + std::to_string(place.index)));
  }
  return {operation, place.index};
}

PreparedSignature TensorflowSession::prepare(const std::string& model,
                                             const SavedSignature& saved,
                                             bool takes_inputs) const {
  PreparedSignature result;
  result.where =
      "model " + quoted(model) + ", signature " + quoted(saved.signature.name);
  result.inputs = saved.signature.inputs;
  result.takes_inputs = takes_inputs;
  for (const TensorPlace& place : saved.inputs) {
    result.input_tensors.push_back(find(result.where, place));
  }
  for (const TensorPlace& place : saved.outputs) {
    result.output_tensors.push_back(find(result.where, place));
  }
  plan(result);
  return result;
}

PreparedSignature combined(const std::string& where,
                           const std::vector<const PreparedSignature*>& signatures) {
  PreparedSignature result;
  result.where = where;
  for (const PreparedSignature* const each : signatures) {
    result.inputs.insert(result.inputs.end(), each->inputs.begin(), each->inputs.end());
    result.input_tensors.insert(result.input_tensors.end(), each->input_tensors.begin(),
                                each->input_tensors.end());
    result.output_tensors.insert(result.output_tensors.end(),
                                 each->output_tensors.begin(),
                                 each->output_tensors.end());
    result.takes_inputs = result.takes_inputs || each->takes_inputs;
  }
  plan(result);
  return result;
}

std::vector<Tensor> TensorflowSession::run(const PreparedSignature& signature,
                                           Span<const TensorView> inputs,
                                           const TensorflowRun& options) const {
  library_.check_process();
  check_inputs(signature, inputs);
  Tensors fetched(api_, signature.fetches.size());
  {
    const LeaseUser lease(signature.takes_inputs ? nullptr : options.owner);
    Tensors fed(api_, signature.feeds.size());
    for (std::size_t i = 0; i < signature.feeds.size(); ++i) {
      fed[i] = make_tensor(api_, inputs[signature.input_of_feed[i]], lease.get());
      if (fed[i] != nullptr) continue;
      throw Error(Code::kResourceExhausted,
                  signature.where + ": there is no memory for the inputs");
    }
    std::string message;
    TF_Buffer run_options = {nullptr, 0, nullptr};
    if (options.timeout_micros != kForever) {
      message = run_options_message(options.timeout_micros);
      run_options.data = message.data();
      run_options.length = message.size();
    }
    const TensorflowStatus status(api_);
    api_.TF_SessionRun(session_, message.empty() ? nullptr : &run_options,
                       signature.feeds.data(), fed.data(), fed.size(),
                       signature.fetches.data(), fetched.data(), fetched.size(),
                       nullptr, 0, nullptr, status.get());
    status.check(signature.where);
  }
  std::vector<Tensor> results;
  results.reserve(signature.outputs.size());
  for (const PreparedSignature::Output& output : signature.outputs) {
    switch (output.from) {
      case PreparedSignature::From::kFetch:
        results.push_back(
            take_tensor(api_, std::exchange(fetched[output.index], nullptr)));
        break;
      case PreparedSignature::From::kInput:
        results.push_back(copy_tensor(api_, inputs[output.index]));
        break;
      case PreparedSignature::From::kOutput:
        results.push_back(copy_tensor(api_, results[output.index].view()));
        break;
    }
  }
  return results;
}

std::vector<TensorflowDevice> TensorflowSession::devices() const {
  return list_devices(library_, session_);
}

}  // namespace tfnative::internal
