// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// TensorflowModel.predict, which Python calls directly, as Model.predict.
#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "errors.h"
#include "give_way.h"
#include "leftovers.h"
#include "seconds.h"
#include "tensorflow_model.h"

namespace py = pybind11;

namespace tfnative::bindings {
namespace {

const PyTensorflowModel& model_of(PyObject* self) {
  auto* const instance = reinterpret_cast<py::detail::instance*>(self);
  const void* const model = instance->get_value_and_holder().value_ptr();
  if (model == nullptr) {
    throw Error(Code::kFailedPrecondition, "TensorflowModel.__init__ was not called");
  }
  return *static_cast<const PyTensorflowModel*>(model);
}

py::array string_array(const TensorInfo& info, const Tensor& tensor) {
  const ShapeView shape = tensor.shape();
  py::array array(info.dtype, std::vector<py::ssize_t>(shape.begin(), shape.end()));
  auto** const objects = static_cast<PyObject**>(array.mutable_data());
  const auto* const strings = static_cast<const StringView*>(tensor.data());
  for (py::ssize_t i = 0; i < array.size(); ++i) {
    PyObject* const bytes = PyBytes_FromStringAndSize(
        strings[i].data, static_cast<Py_ssize_t>(strings[i].size));
    if (bytes == nullptr) throw py::error_already_set();
    Py_XSETREF(objects[i], bytes);
  }
  return array;
}

// A view on the tensor's memory, which goes with the array.
py::array view_array(const TensorInfo& info, Tensor tensor) {
  auto owner = std::make_unique<Tensor>(std::move(tensor));
  const ShapeView shape = owner->shape();
  void* const data = owner->data();
  const py::capsule base(owner.get(),
                         [](void* held) { delete static_cast<Tensor*>(held); });
  static_cast<void>(owner.release());
  const auto& numpy = py::detail::npy_api::get();
  PyObject* const array = numpy.PyArray_NewFromDescr_(
      numpy.PyArray_Type_, info.dtype.inc_ref().ptr(), static_cast<int>(shape.size()),
      reinterpret_cast<const Py_intptr_t*>(shape.data()), nullptr, data,
      data != nullptr ? py::detail::npy_api::NPY_ARRAY_WRITEABLE_ : 0, nullptr);
  if (array == nullptr) throw py::error_already_set();
  auto result = py::reinterpret_steal<py::array>(array);
  if (data != nullptr &&
      numpy.PyArray_SetBaseObject_(array, base.inc_ref().ptr()) != 0) {
    throw py::error_already_set();
  }
  return result;
}

py::array array_of(const TensorInfo& info, Tensor tensor) {
  if (tensor.dtype() != info.spec.dtype) {
    throw Error(Code::kInternal, std::string(info.where) + ": expected " +
                                     dtype_name(info.spec.dtype) + ", got " +
                                     dtype_name(tensor.dtype()));
  }
  if (tensor.dtype() == DType::kString) return string_array(info, tensor);
  return view_array(info, std::move(tensor));
}

std::vector<py::array> arrays_of(const SignatureInfo& info,
                                 std::vector<Tensor> outputs) {
  std::vector<py::array> arrays;
  arrays.reserve(outputs.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    arrays.push_back(array_of(info.outputs[i], std::move(outputs[i])));
  }
  return arrays;
}

// Writes an output to the caller's array.
void copy_to(const TensorInfo& info, Tensor tensor, py::array& to) {
  const py::array from = array_of(info, std::move(tensor));
  const ShapeView found = shape_of(from), expected = shape_of(to);
  if (!std::equal(found.begin(), found.end(), expected.begin(), expected.end())) {
    throw Error(Code::kInvalidArgument, std::string(info.where) + ": it has shape " +
                                            std::string(py::str(from.attr("shape"))) +
                                            ", and the array to write to " +
                                            std::string(py::str(to.attr("shape"))));
  }
  if (info.spec.dtype != DType::kString) {
    std::memcpy(to.mutable_data(), from.data(),
                static_cast<std::size_t>(from.nbytes()));
    return;
  }
  auto* const source = static_cast<PyObject* const*>(from.data());
  auto** const objects = static_cast<PyObject**>(to.mutable_data());
  for (py::ssize_t i = 0; i < from.size(); ++i) {
    Py_INCREF(source[i]);
    Py_XSETREF(objects[i], source[i]);
  }
}

py::object predict(const PyTensorflowModel& self, py::handle value, py::handle name,
                   py::handle out, py::handle timeout) {
  const TensorflowModel model = self.model();  // Keeps it loaded if it is closed.
  const SignatureInfo& info = self.find(name);
  TensorflowRun run;
  run.timeout_micros = micros_of(timeout);
  py::object owned;
  value = as_dict_or_value(value, owned);
  const bool as_dict = PyDict_Check(value.ptr());
  free_leftovers();
  InputHolder inputs(info.inputs.size());
  read_inputs(info, value, inputs.get());
  Outputs given(info.outputs.size());
  if (!out.is_none()) take_outputs(info, out, inputs.get(), given);
  run.owner = inputs.share();
  std::vector<Tensor> outputs;
  without_gil([&] { outputs = model.run(info.signature, inputs.get().span(), run); });
  run.owner.reset();
  if (!out.is_none()) {
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      copy_to(info.outputs[i], std::move(outputs[i]), given.arrays[i]);
    }
    return result_of(info, given.arrays, as_dict);
  }
  return result_of(info, arrays_of(info, std::move(outputs)), as_dict);
}

// Dicts with the outputs of each of these signatures, which take the same inputs.
py::list predict_together(const PyTensorflowModel& self, const py::list& names,
                          const py::dict& value) {
  const TensorflowModel model = self.model();
  py::list results;
  std::vector<const SignatureInfo*> infos;
  std::vector<const Signature*> signatures;
  for (const py::handle name : names) {
    infos.push_back(&self.find(name));
    signatures.push_back(&infos.back()->signature);
  }
  if (infos.empty()) return results;
  free_leftovers();
  InputHolder inputs(infos[0]->inputs.size());
  read_inputs(*infos[0], value, inputs.get());
  TensorflowRun run;
  run.owner = inputs.share();
  std::vector<std::vector<Tensor>> outputs;
  without_gil(
      [&] { outputs = model.run_together(signatures, inputs.get().span(), run); });
  for (std::size_t i = 0; i < infos.size(); ++i) {
    results.append(
        result_of(*infos[i], arrays_of(*infos[i], std::move(outputs[i])), true));
  }
  return results;
}

constexpr const char* kDoc =
    "predict($self, inputs, /, *, signature=None, out=None, timeout=None)\n--\n\n"
    "Runs the model. See tfnative.Model.";

PyObject* predict_entry(PyObject* self, PyObject* const* arguments, Py_ssize_t count,
                        PyObject* keywords) noexcept {
  try {
    if (count != 1) {
      PyErr_Format(PyExc_TypeError,
                   "predict() takes one positional argument, the inputs (%zd given)",
                   count);
      return nullptr;
    }
    py::handle name = Py_None, out = Py_None, timeout = Py_None;
    const Py_ssize_t keyword_count =
        keywords == nullptr ? 0 : PyTuple_GET_SIZE(keywords);
    for (Py_ssize_t i = 0; i < keyword_count; ++i) {
      PyObject* const keyword = PyTuple_GET_ITEM(keywords, i);
      const py::handle argument = arguments[count + i];
      if (PyUnicode_CompareWithASCIIString(keyword, "signature") == 0) {
        name = argument;
      } else if (PyUnicode_CompareWithASCIIString(keyword, "out") == 0) {
        out = argument;
      } else if (PyUnicode_CompareWithASCIIString(keyword, "timeout") == 0) {
        timeout = argument;
      } else {
        PyErr_Format(PyExc_TypeError, "predict() has no argument %R", keyword);
        return nullptr;
      }
    }
    return predict(model_of(self), arguments[0], name, out, timeout).release().ptr();
  } catch (...) {
    set_python_error();
    return nullptr;
  }
}

}  // namespace

void add_predict(py::class_<PyTensorflowModel>& type) {
  static PyMethodDef method = {
      "predict",
      reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(predict_entry)),
      METH_FASTCALL | METH_KEYWORDS, kDoc};
  auto* const type_object = reinterpret_cast<PyTypeObject*>(type.ptr());
  type.attr("predict") =
      py::reinterpret_steal<py::object>(PyDescr_NewMethod(type_object, &method));
  type.def("_predict_together", &predict_together);
}

}  // namespace tfnative::bindings
