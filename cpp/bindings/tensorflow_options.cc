// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tensorflow_options.h"

#include <pybind11/stl.h>

#include "gil.h"
#include "initialized.h"
#include "tfnative/tensorflow_options.hpp"

namespace py = pybind11;

namespace tfnative::bindings {
namespace {

py::tuple version(const std::string& path) {
  const TensorflowVersion found = [&] {
    const WithoutGil release;
    return tensorflow_version(path);
  }();
  return py::make_tuple(found.path, found.version);
}

py::list devices(const TensorflowOptions& options) {
  const std::vector<TensorflowDevice> found = [&] {
    const WithoutGil release;
    return tensorflow_devices(options);
  }();
  py::list result;
  for (const TensorflowDevice& device : found) {
    result.append(py::make_tuple(device.name, device.type, device.memory_bytes));
  }
  return result;
}

}  // namespace

void register_tensorflow_options(py::module_& module) {
  using Options = TensorflowOptions;
  py::class_<Options> type(module, "TensorflowOptions");
  refuse_pickling(type);
  type.def(py::init<>())
      .def_readwrite("tags", &Options::tags)
      .def_readwrite("device", &Options::device)
      .def_readwrite("visible_gpus", &Options::visible_gpus)
      .def_readwrite("gpu_memory_fraction", &Options::gpu_memory_fraction)
      .def_readwrite("gpu_memory_growth", &Options::gpu_memory_growth)
      .def_readwrite("intra_op_threads", &Options::intra_op_threads)
      .def_readwrite("inter_op_threads", &Options::inter_op_threads)
      .def_readwrite("xla", &Options::xla)
      .def_readwrite("mixed_precision", &Options::mixed_precision)
      .def_readwrite("library_path", &Options::library_path);
  module.def("tensorflow_version", &version, py::arg("library_path"));
  module.def("tensorflow_devices", &devices, py::arg("options"));
}

}  // namespace tfnative::bindings
