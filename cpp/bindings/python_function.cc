// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "python_function.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "gil.h"

namespace py = pybind11;

namespace tfnative::bindings {
namespace {

// Names and types of the tensors, owned: the function may outlive the batcher.
struct PythonFunction {
  PythonFunction(Signature of, const std::string& model, py::object callable)
      : signature(std::move(of)),
        info(model, signature),
        function(std::move(callable)) {}

  void run(Span<const TensorView> in, Span<const MutableTensorView> out) const;

  const Signature signature;
  const SignatureInfo info;
  const py::object function;
};

py::array copy_of(const TensorInfo& info, const TensorView& view) {
  py::array array = new_array(info, view.shape[0]);
  std::memcpy(array.mutable_data(), view.data,
              static_cast<std::size_t>(array.nbytes()));
  return array;
}

void PythonFunction::run(Span<const TensorView> in,
                         Span<const MutableTensorView> out) const {
  py::dict inputs;
  for (std::size_t i = 0; i < in.size(); ++i) {
    inputs[info.inputs[i].name] = copy_of(info.inputs[i], in[i]);
  }
  const py::object outputs = function(inputs);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const TensorInfo& expected = info.outputs[i];
    const py::array array = as_input(expected, outputs[expected.name]);
    const MutableTensorView& to = out[i];
    const ShapeView shape = shape_of(array);
    if (dtype_of(expected, array) != to.dtype ||
        !std::equal(shape.begin(), shape.end(), to.shape.begin(), to.shape.end())) {
      throw Error(Code::kInternal,
                  std::string(expected.where) + ": expected an array with shape " +
                      std::string(py::str(py::tuple(py::cast(std::vector<std::int64_t>(
                          to.shape.begin(), to.shape.end()))))) +
                      ", got " + std::string(py::str(array.dtype())) + " " +
                      std::string(py::str(array.attr("shape"))));
    }
    std::memcpy(to.data, array.data(), static_cast<std::size_t>(array.nbytes()));
  }
}

// The Error for a Python exception. The lock is held.
Error error_for(py::error_already_set& raised) {
  const py::object code =
      py::module_::import("tfnative.errors").attr("code_of")(raised.value());
  std::string message = py::str(raised.value());
  if (code.is_none()) {
    message = std::string(py::str(raised.type().attr("__name__"))) + ": " + message;
  }
  return Error(
      code.is_none() ? Code::kInternal : static_cast<Code>(code.cast<std::int32_t>()),
      message);
}

}  // namespace

BatchFunction python_function(const std::string& model, const Signature& signature,
                              py::object function, std::int64_t default_max_batch_size,
                              bool runs_empty) {
  // Freed with the lock held, wherever the last batch ends.
  const std::shared_ptr<const PythonFunction> own(
      new PythonFunction(signature, model, std::move(function)),
      [](const PythonFunction* f) {
        const WithGil hold;
        delete f;
      });
  BatchFunction result;
  result.name = own->info.where;
  result.inputs = signature.inputs;
  result.outputs = signature.outputs;
  result.default_max_batch_size = default_max_batch_size;
  result.runs_empty = runs_empty;
  result.run = [own](auto in, auto out) {
    const WithGil hold;
    try {
      own->run(in, out);
    } catch (py::error_already_set& raised) {
      throw error_for(raised);
    }
  };
  return result;
}

}  // namespace tfnative::bindings
