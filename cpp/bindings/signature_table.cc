// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "signature_table.h"

#include <pybind11/stl.h>

#include <utility>

namespace py = pybind11;

namespace tfnative::bindings {
namespace {

py::tuple tensor_tuple(const TensorInfo& info) {
  const py::object shape = info.spec.unknown_rank
                               ? py::object(py::none())
                               : py::object(py::tuple(py::cast(info.spec.shape)));
  return py::make_tuple(info.name, info.dtype, shape);
}

// For messages: what UTF-8 cannot have of it is escaped.
std::string written(py::handle text) {
  const auto bytes = py::reinterpret_steal<py::bytes>(
      PyUnicode_AsEncodedString(text.ptr(), "utf-8", "backslashreplace"));
  if (!bytes) throw py::error_already_set();
  return bytes;
}

py::list tensor_list(const std::vector<TensorInfo>& infos) {
  py::list result;
  for (const TensorInfo& info : infos) result.append(tensor_tuple(info));
  return result;
}

}  // namespace

SignatureTable::SignatureTable(std::string model,
                               const std::vector<Signature>& signatures,
                               std::function<void(const std::string&)> refuse)
    : model_(std::move(model)), refuse_(std::move(refuse)) {
  signatures_.reserve(signatures.size());  // default_ points into it.
  for (const Signature& signature : signatures) {
    signatures_.emplace_back(model_, signature);
    if (signatures.size() == 1 || signature.name == kDefaultSignature) {
      default_ = &signatures_.back();
    }
  }
}

const SignatureInfo& SignatureTable::find(py::handle name) const {
  if (name.is_none()) {
    if (default_ != nullptr) return *default_;
    refuse_("");
  }
  if (!PyUnicode_Check(name.ptr())) {
    throw Error(Code::kInvalidArgument, "model '" + model_ +
                                            "': signature must be a name, got " +
                                            std::string(py::str(py::type::of(name))));
  }
  for (const SignatureInfo& info : signatures_) {
    if (info.name.ptr() == name.ptr() || info.name.equal(name)) return info;
  }
  refuse_(written(name));
  throw Error(Code::kInternal, "a signature was found, and was not");
}

void SignatureTable::put_examples(const std::string& signature,
                                  const std::string& input, const ExampleParser& parser,
                                  const std::vector<std::string>& feeds) {
  SignatureInfo& info = of_manifest(signature);
  try {
    info.put_head(make_head(input, parser, feeds, info.inputs));
  } catch (const Error& error) {
    throw LoadError(info.where + ": " + error.what());
  }
}

void SignatureTable::put_feed(const std::string& signature, py::object feed) {
  of_manifest(signature).feed = std::move(feed);
}

void SignatureTable::put_tail(const std::string& signature, py::object tail) {
  of_manifest(signature).tail = std::move(tail);
}

void SignatureTable::drop_parts() {
  for (SignatureInfo& info : signatures_) {
    const py::object feed = std::move(info.feed);
    const py::object tail = std::move(info.tail);
  }
}

SignatureInfo& SignatureTable::of_manifest(const std::string& signature) {
  for (SignatureInfo& info : signatures_) {
    if (info.signature.name == signature) return info;
  }
  throw LoadError("model '" + model_ + "' has no signature '" + signature +
                  "', which has a head or a tail in its manifest");
}

py::list SignatureTable::list() const {
  py::list result;
  for (const SignatureInfo& info : signatures_) {
    result.append(py::make_tuple(info.name, tensor_list(info.inputs),
                                 tensor_list(info.outputs),
                                 py::tuple(py::cast(info.signature.batch_sizes)),
                                 info.signature.rows_independent));
  }
  return result;
}

}  // namespace tfnative::bindings
