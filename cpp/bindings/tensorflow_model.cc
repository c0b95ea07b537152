// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_model.h"

#include "gil.h"

namespace py = pybind11;

namespace tfnative::bindings {

PyTensorflowModel::PyTensorflowModel(const std::string& path,
                                     const TensorflowOptions& options)
    : path_(path) {
  {
    const WithoutGil release;
    model_ = TensorflowModel::load(path, options);
  }
  signatures_.emplace(model_->name(), model_->signatures(),
                      [this](const std::string& name) {
                        if (name.empty()) model().default_signature();
                        model().signature(name);
                      });
}

const TensorflowModel& PyTensorflowModel::model() const {
  if (model_) return *model_;
  throw Error(Code::kFailedPrecondition, "the model of '" + path_ + "' is closed");
}

void PyTensorflowModel::close() {
  std::optional<TensorflowModel> last;
  std::swap(last, model_);
  if (!last) return;
  const WithoutGil release;  // Ending a session takes a while.
  last.reset();
}

void register_tensorflow_model(py::module_& module) {
  py::class_<PyTensorflowModel> type(module, "TensorflowModel");
  refuse_pickling(type);
  type.def(py::init<const std::string&, const TensorflowOptions&>(), py::arg("path"),
           py::arg("options"))
      .def_property_readonly(
          "name", [](const PyTensorflowModel& self) { return self.model().name(); })
      .def_property_readonly("closed", &PyTensorflowModel::closed)
      .def("_find_signature",
           [](const PyTensorflowModel& self, py::handle name) {
             const TensorflowModel keep_alive = self.model();
             return self.find(name).name;
           })
      .def("_signature_list", &PyTensorflowModel::signature_list)
      .def("_devices",
           [](const PyTensorflowModel& self) {
             py::list result;
             for (const TensorflowDevice& device : self.model().devices()) {
               result.append(
                   py::make_tuple(device.name, device.type, device.memory_bytes));
             }
             return result;
           })
      .def("close", &PyTensorflowModel::close);
  add_predict(type);
}

}  // namespace tfnative::bindings
