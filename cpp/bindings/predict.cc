// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Model.predict. Small models take less time than a call through pybind11's argument
// conversion does, so Python calls this function directly.
#include <vector>

#include "errors.h"
#include "give_way.h"
#include "model.h"

namespace py = pybind11;

namespace tfnative::bindings {
namespace {

// The object behind `self`, which Python has checked to be an instance of the class.
const PyModel& model_of(PyObject* self) {
  auto* const instance = reinterpret_cast<py::detail::instance*>(self);
  const void* const model = instance->get_value_and_holder().value_ptr();
  if (model == nullptr) {
    throw Error(Code::kFailedPrecondition, "Model.__init__ was not called");
  }
  return *static_cast<const PyModel*>(model);
}

// Whether callers get what the model gives, or what the compiled code does.
enum class Part { kWhole, kCompiled };

// Runs the model with arrays for its inputs, and gives back those of its outputs.
// `value` is borrowed from Python's stack: nothing else may free it meanwhile.
template <typename Run>
py::object predict(const PyModel& self, py::handle value, py::handle name,
                   py::handle out, const Run& run, Part part = Part::kWhole) {
  const Model model = self.model();  // Keeps it loaded if another thread closes it.
  const SignatureInfo& info = self.find(name);
  py::object owned;
  value = as_dict_or_value(value, owned);
  Inputs inputs(info.inputs.size());
  read_inputs(info, value, inputs);
  const py::object finish =
      part == Part::kWhole ? begin_tail(info, value) : py::object();
  const Span<const TensorView> in = inputs.span();
  Outputs outputs(info.outputs.size());
  if (out.is_none() || finish) {
    make_outputs(info, model.count_rows(info.signature, in), outputs);
  } else {
    take_outputs(info, out, inputs, outputs);
  }
  without_gil([&] { run(model, info.signature, in, outputs.span()); });
  if (finish) return finish(result_of(info, outputs.arrays, true), out);
  return result_of(info, outputs.arrays, PyDict_Check(value.ptr()));
}

constexpr auto kRun = [](const Model& model, const Signature& signature, auto in,
                         auto out) { model.run(signature, in, out); };

constexpr auto kRunCompiled = [](const Model& model, const Signature& signature,
                                 auto in,
                                 auto out) { model.run_compiled(signature, in, out); };

py::object predict_compiled(const PyModel& self, py::handle value, py::handle name) {
  return predict(self, value, name, py::none(), kRunCompiled);
}

// What is given to a tail; all outputs, where there is none. `exact`: as by
// predict_compiled.
py::object predict_between(const PyModel& self, const py::dict& value, py::handle name,
                           bool exact) {
  if (exact) {
    return predict(self, value, name, py::none(), kRunCompiled, Part::kCompiled);
  }
  return predict(self, value, name, py::none(), kRun, Part::kCompiled);
}

// (batch size, step, begin, end in nanoseconds) of each step that ran.
py::list profile(const PyModel& self, py::handle value, py::handle name) {
  std::vector<StepEvent> events;
  predict(
      self, value, name, py::none(),
      [&](const Model& model, const Signature& signature, auto in, auto out) {
        events = model.profile(signature, in, out);
      },
      Part::kCompiled);
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
  type.def("_predict_compiled", &predict_compiled)
      .def("_predict_between", &predict_between, py::arg("inputs"),
           py::arg("signature"), py::arg("exact"))
      .def("_profile", &profile);
}

}  // namespace tfnative::bindings
