// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <iterator>

#include "base/text.h"
#include "tensor_check.h"
#include "tensorflow/devices.h"
#include "tensorflow/graph_check.h"
#include "tensorflow/graph_ops.h"
#include "tensorflow/op_defs.h"
#include "tensorflow/session.h"
#include "tfnative/tensorflow_model.hpp"

namespace tfnative {

using internal::TensorflowLibrary;
using internal::TensorflowSession;

namespace {

// TensorFlow Serving keeps versions of a model in folders with numbers.
std::string model_name(const std::string& path) {
  std::filesystem::path folder =
      std::filesystem::absolute(path).lexically_normal() / "";
  folder = folder.parent_path();
  const std::string name = folder.filename().string();
  if (name.find_first_not_of("0123456789") == std::string::npos &&
      !folder.parent_path().filename().empty()) {
    return folder.parent_path().filename().string();
  }
  return name;
}

// What is read of a SavedModel. Views lie in the content.
struct SavedModel {
  internal::MetaGraph graph;
  internal::GraphOps ops;
};

SavedModel read(const TensorflowLibrary& library, const std::string& path,
                const std::string& content, const std::vector<std::string>& tags) {
  const std::string where = "cannot load the SavedModel " + internal::quoted(path);
  try {
    internal::MetaGraph graph =
        internal::find_meta_graph(internal::read_meta_graphs(content), tags);
    internal::check_graph(graph.graph, internal::input_counts(library));
    internal::GraphOps ops(graph.graph);
    // TensorFlow would load it, and find no values when it runs.
    const auto index = std::filesystem::path(path) / "variables" / "variables.index";
    if (ops.has_variables(graph.restore_op) && !std::filesystem::exists(index)) {
      throw LoadError("there is no variables/variables.index", Code::kNotFound);
    }
    return {std::move(graph), std::move(ops)};
  } catch (const LoadError& error) {
    throw LoadError(where + ": " + error.what(), error.code());
  } catch (const Error& error) {
    throw LoadError(where + ": saved_model.pb is damaged: " + error.what());
  }
}

}  // namespace

struct TensorflowModel::Impl {
  Impl(const std::string& path, const TensorflowOptions& options);
  ~Impl() {
    // Threads that a session has to wait for are in the parent alone.
    if (!library.is_own_process()) static_cast<void>(session.release());
  }

  const internal::PreparedSignature& prepared_for(const Signature& signature) const;
  [[noreturn]] void fail_unusable(const internal::SavedSignature& saved) const;

  const std::string name;
  const TensorflowLibrary& library;
  std::unique_ptr<const TensorflowSession> session;
  std::vector<Signature> signatures;
  std::vector<internal::PreparedSignature> prepared;  // In the same order.
  std::vector<internal::SavedSignature> unusable;
};

TensorflowModel::Impl::Impl(const std::string& path, const TensorflowOptions& options)
    : name(model_name(path)), library(TensorflowLibrary::get(options.library_path)) {
  const std::string content = internal::read_saved_model_file(path);
  SavedModel read_model = read(library, path, content, options.tags);
  internal::check_device(library, options);
  auto loaded = std::make_unique<TensorflowSession>(library, path, options);
  loaded->copy_variables(read_model.ops.variables_to_copy(read_model.graph.restore_op));
  session = std::move(loaded);
  for (internal::SavedSignature& saved : read_model.graph.signatures) {
    if (!saved.problem.empty()) {
      unusable.push_back(std::move(saved));
      continue;
    }
    const bool takes =
        internal::may_take_inputs(read_model.ops.needed_for(saved.outputs));
    prepared.push_back(session->prepare(name, saved, takes));
    signatures.push_back(std::move(saved.signature));
  }
  if (!signatures.empty()) return;
  if (!unusable.empty()) fail_unusable(unusable.front());
  throw LoadError("cannot load the SavedModel " + internal::quoted(path) +
                  ": it has no signatures");
}

void TensorflowModel::Impl::fail_unusable(const internal::SavedSignature& saved) const {
  throw Error(Code::kUnimplemented, "model " + internal::quoted(name) + ": signature " +
                                        internal::quoted(saved.signature.name) +
                                        " cannot be used: " + saved.problem);
}

const internal::PreparedSignature& TensorflowModel::Impl::prepared_for(
    const Signature& signature) const {
  const Signature* const first = signatures.data();
  if (&signature < first || &signature >= first + signatures.size()) {
    throw Error(Code::kInvalidArgument,
                "model " + internal::quoted(name) + ": signature " +
                    internal::quoted(signature.name) +
                    " is not one of this model's own; get it from signature()");
  }
  return prepared[static_cast<std::size_t>(&signature - first)];
}

TensorflowModel::TensorflowModel(std::shared_ptr<const Impl> impl)
    : impl_(std::move(impl)) {}

TensorflowModel TensorflowModel::load(const std::string& path,
                                      const TensorflowOptions& options) {
  return TensorflowModel(std::make_shared<const Impl>(path, options));
}

const std::string& TensorflowModel::name() const noexcept { return impl_->name; }

const std::vector<Signature>& TensorflowModel::signatures() const noexcept {
  return impl_->signatures;
}

const Signature& TensorflowModel::signature(std::string_view name) const {
  std::vector<std::string> names;
  for (const Signature& signature : impl_->signatures) {
    if (signature.name == name) return signature;
    names.push_back(signature.name);
  }
  for (const internal::SavedSignature& saved : impl_->unusable) {
    if (saved.signature.name == name) impl_->fail_unusable(saved);
  }
  throw Error(Code::kInvalidArgument,
              "model " + internal::quoted(impl_->name) + " has no signature " +
                  internal::quoted(name) + "; it has " + internal::joined(names));
}

const Signature& TensorflowModel::default_signature() const {
  if (impl_->signatures.size() == 1 && impl_->unusable.empty()) {
    return impl_->signatures[0];
  }
  return signature(kDefaultSignature);
}

std::vector<TensorflowDevice> TensorflowModel::devices() const {
  return impl_->session->devices();
}

std::vector<Tensor> TensorflowModel::run(const Signature& signature,
                                         Span<const TensorView> inputs,
                                         const TensorflowRun& options) const {
  return impl_->session->run(impl_->prepared_for(signature), inputs, options);
}

namespace {

bool same_names(const std::vector<TensorSpec>& a, const std::vector<TensorSpec>& b) {
  return std::equal(
      a.begin(), a.end(), b.begin(), b.end(),
      [](const TensorSpec& x, const TensorSpec& y) { return x.name == y.name; });
}

}  // namespace

std::vector<std::vector<Tensor>> TensorflowModel::run_together(
    const std::vector<const Signature*>& signatures, Span<const TensorView> inputs,
    const TensorflowRun& options) const {
  std::vector<std::vector<Tensor>> results;
  if (signatures.empty()) return results;
  std::vector<const internal::PreparedSignature*> prepared;
  std::vector<std::string> names;
  std::vector<TensorView> views;
  for (const Signature* const each : signatures) {
    prepared.push_back(&impl_->prepared_for(*each));
    names.push_back(internal::quoted(each->name));
    views.insert(views.end(), inputs.begin(), inputs.end());
    if (same_names(each->inputs, signatures[0]->inputs)) continue;
    throw Error(Code::kInvalidArgument,
                "model " + internal::quoted(name()) + ": signatures " + names[0] +
                    " and " + names.back() + " have inputs of other names");
  }
  const std::string where = "model " + internal::quoted(name()) + ", signatures ";
  std::vector<Tensor> outputs = impl_->session->run(
      combined(where + internal::joined(names), prepared), views, options);
  auto next = outputs.begin();
  for (const Signature* const each : signatures) {
    const auto end = next + static_cast<std::ptrdiff_t>(each->outputs.size());
    results.emplace_back(std::make_move_iterator(next), std::make_move_iterator(end));
    next = end;
  }
  return results;
}

namespace {

void check_batchable(const BatchFunction& function) {
  for (const auto* specs : {&function.inputs, &function.outputs}) {
    for (const TensorSpec& spec : *specs) {
      const std::string what = function.name + ": requests cannot be batched, since " +
                               internal::quoted(spec.name);
      if (spec.dtype == DType::kString) {
        throw Error(Code::kUnimplemented, what + " has strings");
      }
      if (!spec.has_batch()) {
        throw Error(Code::kInvalidArgument, what + " has no batch dimension");
      }
      if (std::count(spec.shape.begin(), spec.shape.end(), kBatch) > 1) {
        throw Error(Code::kInvalidArgument, what + " has sizes that are not known: " +
                                                internal::spec_text(spec));
      }
    }
  }
}

void copy_output(const BatchFunction& function, const TensorSpec& spec,
                 const Tensor& from, const MutableTensorView& to) {
  const ShapeView found = from.shape();
  if (from.dtype() != to.dtype ||
      !std::equal(found.begin(), found.end(), to.shape.begin(), to.shape.end())) {
    throw Error(Code::kInternal,
                function.name + ": output " + internal::quoted(spec.name) +
                    ": expected " + internal::view_text(to.dtype, to.shape) + ", got " +
                    internal::view_text(from.dtype(), found));
  }
  if (from.bytes() > 0) std::memcpy(to.data, from.data(), from.bytes());
}

// Where TensorFlow Serving's examples begin.
constexpr std::int64_t kDefaultMaxBatchSize = 32;

}  // namespace

BatchFunction batch_function(const TensorflowModel& model, const Signature& signature) {
  BatchFunction result;
  result.name = "model " + internal::quoted(model.name()) + ", signature " +
                internal::quoted(signature.name);
  result.inputs = signature.inputs;
  result.outputs = signature.outputs;
  result.default_max_batch_size = kDefaultMaxBatchSize;
  check_batchable(result);
  const Signature& own = model.signature(signature.name);
  result.runs_empty = true;
  result.run = [model, &own, specs = result](auto in, auto out) {
    const std::vector<Tensor> outputs = model.run(own, in);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      copy_output(specs, own.outputs[i], outputs[i], out[i]);
    }
  };
  return result;
}

}  // namespace tfnative
