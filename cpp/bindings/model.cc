// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "model.h"

#include <pybind11/stl.h>

#include <string>
#include <string_view>

#include "gil.h"
#include "tfnative/checksum.hpp"

namespace py = pybind11;

namespace tfnative::bindings {

PyModel::PyModel(const std::string& path, const std::string& cpu_level,
                 const ThreadPool& threads, bool verify, bool map_in_place,
                 const py::object& inspect)
    : path_(path) {
  LoadOptions options;
  options.cpu_level = cpu_level;
  options.threads = threads;
  options.verify = verify;
  options.map_in_place = map_in_place;
  if (!inspect.is_none()) {
    options.inspect = [&inspect](const std::string& file, std::string_view bytes) {
      const WithGil hold;
      const auto view = py::memoryview::from_memory(
          bytes.data(), static_cast<py::ssize_t>(bytes.size()));
      try {
        inspect(file, view);
      } catch (...) {
        view.attr("release")();  // A traceback may keep it.
        throw;
      }
      view.attr("release")();
    };
  }
  {
    const WithoutGil release;
    model_ = Model::load(path, options);
  }
  signatures_.emplace(model_->name(), model_->signatures(),
                      [this](const std::string& name) {
                        if (name.empty()) model().default_signature();
                        model().signature(name);
                      });
}

const Model& PyModel::model() const {
  if (model_) return *model_;
  throw Error(Code::kFailedPrecondition, "the model of '" + path_ + "' is closed");
}

void register_model(py::module_& module) {
  py::class_<ThreadPool> pool(
      module, "ThreadPool",
      "ThreadPool(threads)\n\nThreads that work together on one "
      "call, the calling one included; several models may share "
      "them.");
  refuse_pickling(pool);
  pool.def(py::init<int>(), py::arg("threads"))
      .def_property_readonly("threads", &ThreadPool::threads);
  module.def("host_cpu_level", &host_cpu_level);
  module.def(
      "crc32c",
      [](const py::buffer& data, std::uint32_t crc) {
        const py::buffer_info info = data.request();
        if (!PyBuffer_IsContiguous(info.view(), 'C')) {
          throw Error(Code::kInvalidArgument, "expected bytes that lie side by side");
        }
        const WithoutGil release;
        return crc32c(crc, info.ptr,
                      static_cast<std::size_t>(info.size * info.itemsize));
      },
      py::arg("data"), py::arg("crc") = 0);
  py::class_<PyModel> type(module, "Model");
  refuse_pickling(type);
  type.def(py::init<const std::string&, const std::string&, const ThreadPool&, bool,
                    bool, const py::object&>(),
           py::arg("path"), py::arg("cpu_level"), py::arg("threads"), py::arg("verify"),
           py::arg("map_in_place"), py::arg("inspect"))
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
      .def("_signature_list",
           [](const PyModel& self) {
             const Model keep_alive = self.model();
             return self.signature_list();
           })
      .def("_put_examples", &PyModel::put_examples)
      .def("_put_feed", &PyModel::put_feed)
      .def("_put_tail", &PyModel::put_tail)
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
