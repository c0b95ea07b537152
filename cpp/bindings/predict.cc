// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Model.predict. Small models take less time than a call through pybind11's argument
// conversion does, so Python calls this function directly.
#include <utility>
#include <vector>

#include "errors.h"
#include "gil.h"
#include "model.h"

namespace py = pybind11;

namespace tfnative::bindings {
namespace {

[[noreturn]] void fail(const SignatureInfo& info, const PyModel& self,
                       const std::string& problem) {
  throw Error(Code::kInvalidArgument, "model '" + self.model().name() +
                                          "', signature '" + info.signature.name +
                                          "': " + problem);
}

std::string type_name(py::handle value) { return Py_TYPE(value.ptr())->tp_name; }

std::string names(const std::vector<TensorInfo>& tensors) {
  std::string text;
  for (const TensorInfo& info : tensors) {
    text += (text.empty() ? "'" : ", '") + info.spec.name + "'";
  }
  return text.empty() ? "none" : text;
}

// The object behind `self`, which Python has checked to be an instance of the class.
const PyModel& model_of(PyObject* self) {
  auto* const instance = reinterpret_cast<py::detail::instance*>(self);
  const void* const model = instance->get_value_and_holder().value_ptr();
  if (model == nullptr) {
    throw Error(Code::kFailedPrecondition, "Model.__init__ was not called");
  }
  return *static_cast<const PyModel*>(model);
}

// The tensors of one call: arrays, which keep the memory alive, and views of it.
template <typename View>
struct Tensors {
  explicit Tensors(std::size_t count) {
    arrays.reserve(count);
    views.reserve(count);
  }

  template <typename Pointer>
  void add(py::array array, DType dtype, Pointer data) {
    views.push_back({data, dtype, shape_of(array)});
    arrays.push_back(std::move(array));
  }

  std::vector<py::array> arrays;
  std::vector<View> views;
};

using Inputs = Tensors<TensorView>;
using Outputs = Tensors<MutableTensorView>;

// The values for the tensors, from a dict with exactly their names. Owned: converting
// one may run Python code, and with it a thread that changes the dict.
std::vector<py::object> from_dict(const PyModel& self, const SignatureInfo& info,
                                  const std::vector<TensorInfo>& tensors,
                                  py::handle dict, const char* kind) {
  std::vector<py::object> values;
  values.reserve(tensors.size());
  for (const TensorInfo& tensor : tensors) {
    PyObject* const value = PyDict_GetItemWithError(dict.ptr(), tensor.name.ptr());
    if (value == nullptr) {
      if (PyErr_Occurred() != nullptr) throw py::error_already_set();
      fail(info, self,
           std::string(kind) + " '" + tensor.spec.name + "' is missing; expected " +
               names(tensors));
    }
    values.push_back(py::reinterpret_borrow<py::object>(value));
  }
  if (static_cast<std::size_t>(PyDict_Size(dict.ptr())) != tensors.size()) {
    for (const py::handle key :
         py::reinterpret_steal<py::list>(PyDict_Keys(dict.ptr()))) {
      bool known = false;
      for (const TensorInfo& tensor : tensors) known |= tensor.name.equal(key);
      if (!known) {
        fail(info, self,
             "there is no " + std::string(kind) + " " + std::string(py::repr(key)) +
                 "; expected " + names(tensors));
      }
    }
  }
  return values;
}

std::vector<py::object> values_of(const PyModel& self, const SignatureInfo& info,
                                  const std::vector<TensorInfo>& tensors,
                                  py::handle value, const char* kind) {
  if (PyDict_Check(value.ptr())) return from_dict(self, info, tensors, value, kind);
  if (tensors.size() != 1) {
    fail(info, self,
         "expected a dict with the " + std::string(kind) + "s " + names(tensors) +
             ", got " + type_name(value));
  }
  return {py::reinterpret_borrow<py::object>(value)};
}

void read_inputs(const PyModel& self, const SignatureInfo& info, py::handle value,
                 Inputs& inputs) {
  const auto values = values_of(self, info, info.inputs, value, "input");
  for (std::size_t i = 0; i < values.size(); ++i) {
    py::array array = as_input(info.inputs[i], values[i]);
    const DType dtype = dtype_of(info.inputs[i], array);
    const void* const data = array.data();
    inputs.add(std::move(array), dtype, data);
  }
}

void make_outputs(const SignatureInfo& info, std::int64_t rows, Outputs& outputs) {
  for (const TensorInfo& tensor : info.outputs) {
    py::array array = new_array(tensor, rows);
    void* const data = array.mutable_data();
    outputs.add(std::move(array), tensor.spec.dtype, data);
  }
}

bool overlap(const py::array& a, const py::array& b) {
  const auto begin = [](const py::array& x) {
    return reinterpret_cast<std::uintptr_t>(x.data());
  };
  const auto bytes = [](const py::array& x) {
    return static_cast<std::uintptr_t>(x.nbytes());
  };
  return begin(a) < begin(b) + bytes(b) && begin(b) < begin(a) + bytes(a);
}

void take_outputs(const PyModel& self, const SignatureInfo& info, py::handle out,
                  const Inputs& inputs, Outputs& outputs) {
  const auto values = values_of(self, info, info.outputs, out, "output");
  for (std::size_t i = 0; i < values.size(); ++i) {
    py::array array = as_output(info.outputs[i], values[i]);
    for (const std::vector<py::array>* others :
         {&std::as_const(inputs).arrays, &std::as_const(outputs).arrays}) {
      for (const py::array& other : *others) {
        if (overlap(array, other)) {
          fail(info, self,
               "output '" + info.outputs[i].spec.name +
                   "' shares memory with an input or another output");
        }
      }
    }
    const DType dtype = dtype_of(info.outputs[i], array);
    void* const data = array.mutable_data();
    outputs.add(std::move(array), dtype, data);
  }
}

py::object result_of(const SignatureInfo& info, const Outputs& outputs, bool as_dict) {
  if (!as_dict && outputs.arrays.size() == 1) return outputs.arrays[0];
  py::dict result;
  for (std::size_t i = 0; i < outputs.arrays.size(); ++i) {
    result[info.outputs[i].name] = outputs.arrays[i];
  }
  return result;
}

// Runs the model with arrays for its inputs, and gives back those of its outputs.
// `value` is borrowed from Python's stack: nothing else may free it meanwhile.
template <typename Run>
py::object predict(const PyModel& self, py::handle value, py::handle name,
                   py::handle out, const Run& run) {
  const Model model = self.model();  // Keeps it loaded if another thread closes it.
  const SignatureInfo& info = self.find(name);
  py::object owned;
  if (!py::isinstance<py::array>(value) && !PyDict_Check(value.ptr()) &&
      PyMapping_Check(value.ptr()) && py::hasattr(value, "keys")) {
    owned = py::dict(py::reinterpret_borrow<py::object>(value));
    value = owned;
  }
  Inputs inputs(info.inputs.size());
  read_inputs(self, info, value, inputs);
  const Span<const TensorView> in(inputs.views.data(), inputs.views.size());
  Outputs outputs(info.outputs.size());
  if (out.is_none()) {
    make_outputs(info, model.count_rows(info.signature, in), outputs);
  } else {
    take_outputs(self, info, out, inputs, outputs);
  }
  {
    const WithoutGil release;
    run(model, info.signature, in,
        Span<const MutableTensorView>(outputs.views.data(), outputs.views.size()));
  }
  return result_of(info, outputs, PyDict_Check(value.ptr()));
}

constexpr auto kRun = [](const Model& model, const Signature& signature, auto in,
                         auto out) { model.run(signature, in, out); };

py::object predict_compiled(const PyModel& self, py::handle value, py::handle name) {
  return predict(self, value, name, py::none(),
                 [](const Model& model, const Signature& signature, auto in, auto out) {
                   model.run_compiled(signature, in, out);
                 });
}

// (batch size, step, begin, end in nanoseconds) of each step that ran.
py::list profile(const PyModel& self, py::handle value, py::handle name) {
  std::vector<StepEvent> events;
  predict(self, value, name, py::none(),
          [&](const Model& model, const Signature& signature, auto in, auto out) {
            events = model.profile(signature, in, out);
          });
  py::list result;
  for (const StepEvent& e : events) {
    result.append(py::make_tuple(e.batch_size, e.step, e.begin_nanos, e.end_nanos));
  }
  return result;
}

constexpr const char* kDoc =
    "predict($self, inputs, /, *, signature=None, out=None)\n--\n\n"
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
    py::handle name = Py_None, out = Py_None;
    const Py_ssize_t keyword_count =
        keywords == nullptr ? 0 : PyTuple_GET_SIZE(keywords);
    for (Py_ssize_t i = 0; i < keyword_count; ++i) {
      PyObject* const keyword = PyTuple_GET_ITEM(keywords, i);
      if (PyUnicode_CompareWithASCIIString(keyword, "signature") == 0) {
        name = arguments[count + i];
      } else if (PyUnicode_CompareWithASCIIString(keyword, "out") == 0) {
        out = arguments[count + i];
      } else {
        PyErr_Format(PyExc_TypeError, "predict() has no argument %R", keyword);
        return nullptr;
      }
    }
    return predict(model_of(self), arguments[0], name, out, kRun).release().ptr();
  } catch (...) {
    set_python_error();
    return nullptr;
  }
}

}  // namespace

void add_predict(py::class_<PyModel>& type) {
  static PyMethodDef method = {
      "predict",
      reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(predict_entry)),
      METH_FASTCALL | METH_KEYWORDS, kDoc};
  auto* const type_object = reinterpret_cast<PyTypeObject*>(type.ptr());
  type.attr("predict") =
      py::reinterpret_steal<py::object>(PyDescr_NewMethod(type_object, &method));
  type.def("_predict_compiled", &predict_compiled).def("_profile", &profile);
}

}  // namespace tfnative::bindings
