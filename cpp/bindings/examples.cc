// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "examples.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "errors.h"
#include "gil.h"
#include "tfnative/error.hpp"

namespace py = pybind11;

namespace tfnative::bindings {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw Error(Code::kInvalidArgument, what);
}

// (name, dtype, shape, default or None), as Python has a feature.
using Feature =
    std::tuple<std::string, std::int32_t, std::vector<std::int64_t>, py::object>;

FeatureSpec feature_spec(const Feature& feature) {
  const auto& [name, dtype, shape, value] = feature;
  FeatureSpec spec;
  spec.name = name;
  spec.dtype = static_cast<DType>(dtype);
  spec.shape = shape;
  if (value.is_none()) return spec;
  switch (spec.dtype) {
    case DType::kFloat32: spec.default_value = value.cast<std::vector<float>>(); break;
    case DType::kInt64:
      spec.default_value = value.cast<std::vector<std::int64_t>>();
      break;
    case DType::kString:
      spec.default_value = value.cast<std::vector<std::string>>();
      break;
    default: break;  // The parser refuses it.
  }
  return spec;
}

py::array new_array(const FeatureSpec& spec, std::int64_t rows) {
  std::vector<py::ssize_t> shape(spec.shape.begin(), spec.shape.end());
  shape.insert(shape.begin(), rows);
  if (spec.dtype == DType::kFloat32) return py::array(py::dtype::of<float>(), shape);
  if (spec.dtype == DType::kInt64) {
    return py::array(py::dtype::of<std::int64_t>(), shape);
  }
  return py::array(py::dtype("O"), shape);
}

void put_objects(const std::vector<StringView>& strings, const py::array& array) {
  auto** const objects = static_cast<PyObject**>(const_cast<void*>(array.data()));
  for (std::size_t i = 0; i < strings.size(); ++i) {
    PyObject* const text = PyBytes_FromStringAndSize(
        strings[i].data, static_cast<Py_ssize_t>(strings[i].size));
    if (text == nullptr) throw py::error_already_set();
    Py_XDECREF(std::exchange(objects[i], text));
  }
}

// An array for each feature: object arrays of bytes for strings.
py::list parse_examples(const ExampleParser& parser, py::handle value) {
  const Messages messages(value, "examples");
  std::vector<py::array> arrays;
  std::vector<std::vector<StringView>> strings;
  std::vector<MutableTensorView> views;
  for (const FeatureSpec& spec : parser.features()) {
    arrays.push_back(new_array(spec, messages.count()));
    py::array& array = arrays.back();
    strings.emplace_back(
        spec.dtype == DType::kString ? static_cast<std::size_t>(array.size()) : 0);
    void* const data = spec.dtype == DType::kString
                           ? static_cast<void*>(strings.back().data())
                           : array.mutable_data();
    views.push_back({data, spec.dtype, shape_of(array)});
  }
  parse(parser, messages, views, "examples");
  py::list result;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    put_objects(strings[i], arrays[i]);
    result.append(arrays[i]);
  }
  return result;
}

}  // namespace

Messages::Messages(py::handle value, const std::string& where) {
  const bool is_array = py::isinstance<py::array>(value);
  if (is_array && py::reinterpret_borrow<py::array>(value).dtype().kind() == 'S') {
    fail(where +
         ": expected a list of bytes, or an array of dtype=object: NumPy drops zeros "
         "at the end of the elements of other arrays");
  }
  if (PyBytes_Check(value.ptr()) || PyUnicode_Check(value.ptr()) ||
      PySequence_Check(value.ptr()) == 0 ||
      (is_array && py::reinterpret_borrow<py::array>(value).ndim() != 1)) {
    fail(where + ": expected a sequence of bytes, a serialised tf.Example each, got " +
         (is_array ? "an array of another rank" : type_name(value)));
  }
  PyObject* const list = call_python([&] { return PySequence_List(value.ptr()); });
  if (list == nullptr) throw py::error_already_set();
  objects_ = py::reinterpret_steal<py::list>(list);
  const auto count = static_cast<std::size_t>(PyList_GET_SIZE(list));
  views_.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    PyObject* const item = PyList_GET_ITEM(list, static_cast<Py_ssize_t>(i));
    if (!PyBytes_Check(item)) {
      fail(where + ": example " + std::to_string(i) + ": expected bytes, got " +
           type_name(item));
    }
    views_.push_back(
        {PyBytes_AS_STRING(item), static_cast<std::size_t>(PyBytes_GET_SIZE(item))});
  }
}

std::shared_ptr<const ExampleHead> make_head(const std::string& input,
                                             ExampleParser parser,
                                             const std::vector<std::string>& feeds,
                                             const std::vector<TensorInfo>& inputs) {
  if (feeds.size() != parser.features().size() || feeds.empty()) {
    fail("there are no features, or not as many as what they feed");
  }
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < feeds.size(); ++i) {
    indices.push_back(kNowhere);
    if (feeds[i].empty()) continue;
    const FeatureSpec& feature = parser.features()[i];
    const auto fits = [&](const TensorInfo& info) {
      const std::vector<std::int64_t>& shape = info.spec.shape;
      return info.spec.name == feeds[i] && info.spec.dtype == feature.dtype &&
             info.spec.has_batch() &&
             std::equal(shape.begin() + 1, shape.end(), feature.shape.begin(),
                        feature.shape.end());
    };
    const auto found = std::find_if(inputs.begin(), inputs.end(), fits);
    const auto index = static_cast<std::size_t>(found - inputs.begin());
    if (found == inputs.end() ||
        std::count(indices.begin(), indices.end(), index) != 0) {
      fail("feature '" + feature.name + "' feeds no input of its type and shape");
    }
    indices.back() = index;
  }
  return std::make_shared<const ExampleHead>(
      ExampleHead{{input, DType::kString, {kBatch}}, std::move(parser), indices});
}

bool operator==(const ExampleHead& a, const ExampleHead& b) {
  const auto same = [](const FeatureSpec& x, const FeatureSpec& y) {
    return x.name == y.name && x.dtype == y.dtype && x.shape == y.shape &&
           x.default_value == y.default_value;
  };
  const std::vector<FeatureSpec>&left = a.parser.features(),
        &right = b.parser.features();
  return a.input.name == b.input.name && a.feeds == b.feeds &&
         std::equal(left.begin(), left.end(), right.begin(), right.end(), same);
}

void parse(const ExampleParser& parser, const Messages& messages,
           Span<const MutableTensorView> outputs, const std::string& where) {
  const WithoutGil release;
  try {
    parser.parse(messages.views(), outputs);
  } catch (const Error& error) {
    throw Error(error.code(), where + ": " + error.what());
  }
}

void register_examples(py::module_& module) {
  py::class_<ExampleParser> type(module, "ExampleParser",
                                 "Parses serialised tf.Example messages.");
  refuse_pickling(type);
  type.def(py::init([](const std::vector<Feature>& features) {
             std::vector<FeatureSpec> specs;
             for (const Feature& feature : features) {
               specs.push_back(feature_spec(feature));
             }
             return ExampleParser(std::move(specs));
           }),
           py::arg("features"))
      .def("parse", &parse_examples, py::arg("examples"));
}

}  // namespace tfnative::bindings
