// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "model.h"

#include <pybind11/stl.h>

#include <string_view>

#include "gil.h"

namespace py = pybind11;

namespace tfnative::bindings {
namespace {

py::tuple tensor_tuple(const TensorInfo& info) {
  return py::make_tuple(info.name, info.dtype, py::tuple(py::cast(info.spec.shape)));
}

py::list tensor_list(const std::vector<TensorInfo>& infos) {
  py::list result;
  for (const TensorInfo& info : infos) result.append(tensor_tuple(info));
  return result;
}

// (name, inputs, outputs, batch sizes, whether rows are independent) of each.
py::list signature_list(const PyModel& self) {
  const Model keep_alive = self.model();
  py::list result;
  for (const SignatureInfo& info : self.signatures()) {
    result.append(py::make_tuple(info.name, tensor_list(info.inputs),
                                 tensor_list(info.outputs),
                                 py::tuple(py::cast(info.signature.batch_sizes)),
                                 info.signature.rows_independent));
  }
  return result;
}

}  // namespace

PyModel::PyModel(const std::string& path, const std::string& cpu_level,
                 const ThreadPool& threads)
    : path_(path) {
  LoadOptions options;
  options.cpu_level = cpu_level;
  options.threads = threads;
  {
    const WithoutGil release;
    model_ = Model::load(path, options);
  }
  for (const Signature& signature : model_->signatures()) {
    signatures_.emplace_back(model_->name(), signature);
  }
  for (const SignatureInfo& info : signatures_) {
    if (signatures_.size() == 1 || info.signature.name == kDefaultSignature) {
      default_ = &info;
    }
  }
}

const Model& PyModel::model() const {
  if (model_) return *model_;
  throw Error(Code::kFailedPrecondition, "the model of '" + path_ + "' is closed");
}

const SignatureInfo& PyModel::find(py::handle name) const {
  if (name.is_none()) {
    if (default_ != nullptr) return *default_;
    model().default_signature();  // Throws an error that lists them.
  }
  if (!PyUnicode_Check(name.ptr())) {
    throw Error(Code::kInvalidArgument, "model '" + model().name() +
                                            "': signature must be a name, got " +
                                            std::string(py::str(py::type::of(name))));
  }
  for (const SignatureInfo& info : signatures_) {
    if (info.name.ptr() == name.ptr() || info.name.equal(name)) return info;
  }
  model().signature(name.cast<std::string>());  // Throws, too.
  throw Error(Code::kInternal, "a signature was found, and was not");
}

void PyModel::put_examples(const std::string& signature, const std::string& input,
                           const ExampleParser& parser,
                           const std::vector<std::string>& feeds) {
  for (SignatureInfo& info : signatures_) {
    if (info.signature.name != signature) continue;
    try {
      info.put_head(make_head(input, parser, feeds, info.inputs));
    } catch (const Error& error) {
      throw LoadError(info.where + ": " + error.what());
    }
    return;
  }
  throw LoadError("model '" + model().name() + "' has no signature '" + signature +
                  "' for the examples in its manifest");
}

void register_model(py::module_& module) {
  py::class_<ThreadPool>(module, "ThreadPool",
                         "ThreadPool(threads)\n\nThreads that work together on one "
                         "call, the calling one included; several models may share "
                         "them.")
      .def(py::init<int>(), py::arg("threads"))
      .def_property_readonly("threads", &ThreadPool::threads);
  py::class_<PyModel> type(module, "Model");
  type.def(py::init<const std::string&, const std::string&, const ThreadPool&>(),
           py::arg("path"), py::arg("cpu_level"), py::arg("threads"))
      .def_property_readonly("name",
                             [](const PyModel& self) { return self.model().name(); })
      .def_property_readonly(
          "library_path",
          [](const PyModel& self) { return self.model().library_path(); })
      .def_property_readonly(
          "cpu_level", [](const PyModel& self) { return self.model().cpu_level(); })
      .def_property_readonly("triple",
                             [](const PyModel& self) { return self.model().triple(); })
      .def_property_readonly("closed", &PyModel::closed)
      .def_property_readonly("threads",
                             [](const PyModel& self) { return self.model().threads(); })
      .def("_workspace_bytes",
           [](const PyModel& self, py::handle signature, std::int64_t batch_size) {
             return self.model().workspace_bytes(self.find(signature).signature,
                                                 batch_size);
           })
      .def("_find_signature",
           [](const PyModel& self, py::handle name) { return self.find(name).name; })
      .def("_steps",
           [](const PyModel& self, py::handle signature, std::int64_t batch_size) {
             return std::string(
                 self.model().steps(self.find(signature).signature, batch_size));
           })
      .def("_manifest_text",
           [](const PyModel& self) { return std::string(self.model().manifest()); })
      .def("_signature_list", &signature_list)
      .def("_put_examples", &PyModel::put_examples)
      .def("_expected_nanos",
           [](const PyModel& self, py::handle signature, std::int64_t rows) {
             return self.model().expected_nanos(self.find(signature).signature, rows);
           })
      .def("warmup",
           [](const PyModel& self) {
             const Model model = self.model();
             const WithoutGil release;
             model.warmup();
           })
      .def("close", &PyModel::close);
  add_predict(type);
}

}  // namespace tfnative::bindings
