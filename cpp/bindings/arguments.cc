// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "arguments.h"

#include <algorithm>

#include "errors.h"
#include "tfnative/error.hpp"

namespace py = pybind11;

namespace tfnative::bindings {
namespace {

[[noreturn]] void fail(const SignatureInfo& info, const std::string& problem) {
  throw Error(Code::kInvalidArgument, info.where + ": " + problem);
}

// What a message shows of an object of the caller's: not all of a long one, nothing
// that UTF-8 cannot have, and its type alone if it fails to say what it is.
std::string shown(py::handle object) {
  constexpr Py_ssize_t kMost = 200;
  const auto text = py::reinterpret_steal<py::object>(PyObject_ASCII(object.ptr()));
  if (!text) {
    PyErr_Clear();
    return "of type " + type_name(object);
  }
  const std::string whole = py::cast<std::string>(text);
  return whole.size() <= kMost ? whole : whole.substr(0, kMost) + "...";
}

std::string names(const std::vector<TensorInfo>& tensors) {
  std::string text;
  for (const TensorInfo& info : tensors) {
    text += (text.empty() ? "'" : ", '") + info.spec.name + "'";
  }
  return text.empty() ? "none" : text;
}

// The values for the tensors, from a dict with exactly their names. Owned: converting
// one may run Python code, and with it a thread that changes the dict.
std::vector<py::object> from_dict(const SignatureInfo& info,
                                  const std::vector<TensorInfo>& tensors,
                                  py::handle dict, const char* kind) {
  std::vector<py::object> values;
  values.reserve(tensors.size());
  for (const TensorInfo& tensor : tensors) {
    PyObject* const value = PyDict_GetItemWithError(dict.ptr(), tensor.name.ptr());
    if (value == nullptr) {
      if (PyErr_Occurred() != nullptr) throw py::error_already_set();
      fail(info, std::string(kind) + " '" + tensor.spec.name +
                     "' is missing; expected " + names(tensors));
    }
    values.push_back(py::reinterpret_borrow<py::object>(value));
  }
  if (static_cast<std::size_t>(PyDict_Size(dict.ptr())) != tensors.size()) {
    for (const py::handle key :
         py::reinterpret_steal<py::list>(PyDict_Keys(dict.ptr()))) {
      bool known = false;
      for (const TensorInfo& tensor : tensors) known |= tensor.name.equal(key);
      if (!known) {
        fail(info, "there is no " + std::string(kind) + " " + shown(key) +
                       "; expected " + names(tensors));
      }
    }
  }
  return values;
}

// Says that an object of the caller's raised something, but for what ends programs.
[[noreturn]] void blame(const py::error_already_set& error, const std::string& object) {
  if (!error.matches(PyExc_Exception) || error.matches(PyExc_MemoryError)) throw error;
  throw Error(Code::kInvalidArgument,
              object + " cannot be read as a dict: " + shown(error.value()));
}

std::vector<py::object> values_of(const SignatureInfo& info,
                                  const std::vector<TensorInfo>& tensors,
                                  py::handle value, const char* kind) {
  if (PyDict_Check(value.ptr())) {
    try {
      return from_dict(info, tensors, value, kind);
    } catch (const py::error_already_set& error) {  // Of a key that is compared.
      blame(error, info.where + ": what is given");
    }
  }
  if (tensors.size() != 1) {
    fail(info, "expected a dict with the " + std::string(kind) + "s " + names(tensors) +
                   ", got " + type_name(value));
  }
  return {py::reinterpret_borrow<py::object>(value)};
}

StringView string_view(const TensorInfo& info, PyObject* object, std::size_t index) {
  if (PyBytes_Check(object)) {
    return {PyBytes_AS_STRING(object),
            static_cast<std::size_t>(PyBytes_GET_SIZE(object))};
  }
  if (PyUnicode_Check(object)) {  // Has its UTF-8 as long as it lives.
    Py_ssize_t size;
    const char* const data = PyUnicode_AsUTF8AndSize(object, &size);
    if (data == nullptr) {
      PyErr_Clear();
      throw Error(Code::kInvalidArgument,
                  std::string(info.where) + ": the text at element " +
                      std::to_string(index) + " has a surrogate, and so no UTF-8");
    }
    return {data, static_cast<std::size_t>(size)};
  }
  throw Error(Code::kInvalidArgument,
              std::string(info.where) + ": expected bytes or str, got " +
                  type_name(object) + " at element " + std::to_string(index));
}

// Views of the elements of an array of objects, which `inputs` keeps.
const StringView* read_strings(const TensorInfo& info, const py::array& array,
                               Inputs& inputs) {
  const auto count = static_cast<std::size_t>(array.size());
  auto* const objects = static_cast<PyObject* const*>(array.data());
  std::vector<StringView> views(count);
  inputs.texts.reserve(inputs.texts.size() + count);
  for (std::size_t i = 0; i < count; ++i) {
    views[i] = string_view(info, objects[i], i);
    inputs.texts.push_back(py::reinterpret_borrow<py::object>(objects[i]));
  }
  inputs.strings.push_back(std::move(views));
  return inputs.strings.back().data();
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

}  // namespace

SignatureInfo::SignatureInfo(const std::string& model, const Signature& of)
    : signature(of),
      name(of.name),
      where("model '" + model + "', signature '" + of.name + "'") {
  for (const TensorSpec& spec : of.inputs) {
    inputs.emplace_back(spec, where + ", input '" + spec.name + "'");
  }
  for (const TensorSpec& spec : of.outputs) {
    outputs.emplace_back(spec, where + ", output '" + spec.name + "'");
  }
}

void SignatureInfo::put_head(std::shared_ptr<const ExampleHead> new_head) {
  head = std::move(new_head);
  given.clear();
  given_feeds.clear();
  const std::string place = where + ", input '";
  given.emplace_back(head->input, place + head->input.name + "'");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (std::count(head->feeds.begin(), head->feeds.end(), i) != 0) continue;
    given.emplace_back(inputs[i].spec, place + inputs[i].spec.name + "'");
    given_feeds.push_back(i);
  }
}

py::handle as_dict_or_value(py::handle value, py::object& owned) {
  if (py::isinstance<py::array>(value) || PyDict_Check(value.ptr()) ||
      !PyMapping_Check(value.ptr()) || !py::hasattr(value, "keys")) {
    return value;
  }
  try {
    owned = py::dict(py::reinterpret_borrow<py::object>(value));
  } catch (const py::error_already_set& error) {
    blame(error, "a " + type_name(value));
  }
  return owned;
}

// The inputs of the code from messages, and from what callers pass beside them.
void read_messages(const SignatureInfo& info, py::handle value, Inputs& inputs) {
  const ExampleHead& head = *info.head;
  const auto values = values_of(info, info.given, value, "input");
  const std::string where = info.given[0].where;
  const Messages messages(values[0], where);
  std::vector<py::array> arrays(info.inputs.size());
  for (std::size_t i = 1; i < values.size(); ++i) {
    arrays[info.given_feeds[i - 1]] = as_input(info.given[i], values[i]);
  }
  std::vector<MutableTensorView> parsed;
  for (std::size_t i = 0; i < head.feeds.size(); ++i) {
    parsed.emplace_back();
    if (head.feeds[i] == kNowhere) continue;
    py::array& array = arrays[head.feeds[i]];
    array = new_array(info.inputs[head.feeds[i]], messages.count());
    parsed.back() = {array.mutable_data(), head.parser.features()[i].dtype,
                     shape_of(array)};
  }
  parse(head.parser, messages, parsed, where);
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    const DType dtype = dtype_of(info.inputs[i], arrays[i]);
    const void* const data = arrays[i].data();
    inputs.add(std::move(arrays[i]), dtype, data);
  }
}

void read_inputs(const SignatureInfo& info, py::handle value, Inputs& inputs) {
  if (info.head != nullptr) return read_messages(info, value, inputs);
  py::object fed;
  if (info.feed) {
    const py::object feed = info.feed;  // Another thread may close the model.
    fed = feed(value);
    value = fed;
  }
  const auto values = values_of(info, info.inputs, value, "input");
  for (std::size_t i = 0; i < values.size(); ++i) {
    py::array array = as_input(info.inputs[i], values[i]);
    const DType dtype = dtype_of(info.inputs[i], array);
    const void* data = array.data();
    if (dtype == DType::kString) data = read_strings(info.inputs[i], array, inputs);
    inputs.add(std::move(array), dtype, data);
  }
}

py::object begin_tail(const SignatureInfo& info, py::handle value) {
  const py::object tail = info.tail;  // Another thread may close the model.
  return tail ? tail(value) : py::object();
}

void make_outputs(const SignatureInfo& info, std::int64_t rows, Outputs& outputs) {
  for (const TensorInfo& tensor : info.outputs) {
    py::array array = new_array(tensor, rows);
    void* const data = array.mutable_data();
    outputs.add(std::move(array), tensor.spec.dtype, data);
  }
}

void take_outputs(const SignatureInfo& info, py::handle out, const Inputs& inputs,
                  Outputs& outputs) {
  const auto values = values_of(info, info.outputs, out, "output");
  for (std::size_t i = 0; i < values.size(); ++i) {
    py::array array = as_output(info.outputs[i], values[i]);
    for (const std::vector<py::array>* others :
         {&std::as_const(inputs).arrays, &std::as_const(outputs).arrays}) {
      for (const py::array& other : *others) {
        if (overlap(array, other)) {
          fail(info, "output '" + info.outputs[i].spec.name +
                         "' shares memory with an input or another output");
        }
      }
    }
    const DType dtype = dtype_of(info.outputs[i], array);
    void* const data = array.mutable_data();
    outputs.add(std::move(array), dtype, data);
  }
}

py::object result_of(const SignatureInfo& info, const std::vector<py::array>& outputs,
                     bool as_dict) {
  if (!as_dict && outputs.size() == 1) return outputs[0];
  py::dict result;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    result[info.outputs[i].name] = outputs[i];
  }
  return result;
}

}  // namespace tfnative::bindings
