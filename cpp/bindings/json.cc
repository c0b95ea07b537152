// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "json.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <memory>
#include <utility>

#include "give_way.h"
#include "json_columns.h"
#include "json_writer.h"
#include "let_go.h"
#include "tfnative/error.hpp"

namespace py = pybind11;

namespace tfnative::bindings {
namespace {

using Kind = JsonColumn::Kind;
using Shape = std::vector<py::ssize_t>;

// An array of what a vector or a string has, which it keeps.
template <typename Owner>
py::array adopt(Owner owner, const py::dtype& dtype, const Shape& shape) {
  auto kept = std::make_unique<Owner>(std::move(owner));
  void* const data = kept->data();
  const py::capsule base(kept.get(), [](void* object) {
    std::unique_ptr<Owner> last(static_cast<Owner*>(object));
    const std::size_t bytes = last->capacity() * sizeof(typename Owner::value_type);
    let_go(std::move(last), bytes);
  });
  kept.release();  // NOLINT(bugprone-unused-return-value): `base` has it.
  return py::array(dtype, shape, data, base);
}

py::array bools(const std::vector<std::uint64_t>& numbers, const Shape& shape) {
  py::array found(py::dtype::of<bool>(), shape);
  auto* const to = static_cast<bool*>(found.mutable_data());
  for (std::size_t i = 0; i < numbers.size(); ++i) to[i] = numbers[i] != 0;
  return found;
}

py::array strings(const JsonColumn& column, const Shape& shape) {
  py::array found(py::dtype("O"), shape);
  auto** const objects = static_cast<PyObject**>(found.mutable_data());
  std::size_t begin = 0;
  for (std::size_t i = 0; i < column.ends.size(); ++i) {
    PyObject* const text = PyBytes_FromStringAndSize(
        column.text.data() + begin, static_cast<Py_ssize_t>(column.ends[i] - begin));
    if (text == nullptr) throw py::error_already_set();
    Py_XDECREF(std::exchange(objects[i], text));
    begin = column.ends[i];
  }
  return found;
}

py::object as_python(JsonColumn column, Shape shape) {
  if (column.problem != nullptr) return py::str(column.problem);
  for (const std::int64_t size : column.shape) shape.push_back(size < 0 ? 0 : size);
  constexpr std::size_t kMostDimensions = 32;  // Of NumPy before 2.0.
  if (shape.size() > kMostDimensions) return py::str("there are too many dimensions");
  switch (column.kind) {
    case Kind::kNothing: return py::array(py::dtype::of<double>(), shape);
    case Kind::kNull: return py::str("null is no value");
    case Kind::kBool: return bools(column.numbers, shape);
    case Kind::kInt64:
      return adopt(std::move(column.numbers), py::dtype::of<std::int64_t>(), shape);
    case Kind::kUint64:
      return adopt(std::move(column.numbers), py::dtype::of<std::uint64_t>(), shape);
    case Kind::kDouble:
      return adopt(std::move(column.numbers), py::dtype::of<double>(), shape);
    case Kind::kString: return strings(column, shape);
    case Kind::kTable: break;
  }
  py::dict members;
  for (auto& [name, member] : column.members) {
    members[py::str(name)] = as_python(std::move(member), shape);
  }
  return py::make_tuple(py::tuple(py::cast(shape)), members);
}

py::dict read(const py::buffer& body, const std::string& spans_of) {
  const py::buffer_info info = body.request();
  if (info.ndim != 1 || info.itemsize != 1 || (info.size > 1 && info.strides[0] != 1)) {
    throw Error(Code::kInvalidArgument, "expected bytes that lie in order");
  }
  JsonDocument document;
  without_gil([&] {
    document = read_json(
        {static_cast<const char*>(info.ptr), static_cast<std::size_t>(info.size)},
        spans_of);
  });
  py::dict found;
  for (auto& [name, column] : document.members) {
    found[py::str(name)] = as_python(std::move(column), {});
  }
  if (document.has_spans) {
    const auto count = static_cast<py::ssize_t>(document.spans.size() / 2);
    found[py::str(spans_of)] =
        adopt(std::move(document.spans), py::dtype::of<std::int64_t>(), {count, 2});
  }
  return found;
}

JsonArray json_array(const py::array& array) {
  using To = JsonArray::Kind;
  const char kind = array.dtype().kind();
  const To to = kind == 'b'   ? To::kBool
                : kind == 'i' ? To::kSigned
                : kind == 'u' ? To::kUnsigned
                              : To::kFloat;
  const auto size = static_cast<std::size_t>(array.itemsize());
  const bool is_known = kind == 'b' || ((kind == 'i' || kind == 'u') && size <= 8) ||
                        (kind == 'f' && (size == 4 || size == 8));
  if (!is_known || (array.flags() & py::array::c_style) == 0 ||
      array.dtype().byteorder() == '>') {
    throw Error(Code::kInvalidArgument, "expected numbers that lie in order");
  }
  return {array.data(), to, size, {array.shape(), array.shape() + array.ndim()}};
}

// Text as an array of bytes, which it is not copied to.
template <typename Write>
py::array written(const Write& write) {
  std::string text;
  without_gil([&] { write(&text); });
  const auto size = static_cast<py::ssize_t>(text.size());
  return adopt(std::move(text), py::dtype::of<std::uint8_t>(), {size});
}

py::array write_array(const py::array& array) {
  const JsonArray what = json_array(array);
  return written([&](std::string* to) { write_json(what, to); });
}

py::array write_rows(const std::vector<std::string>& names,
                     const std::vector<py::array>& arrays) {
  std::vector<JsonArray> what;
  for (const py::array& array : arrays) {
    what.push_back(json_array(array));
    if (array.ndim() == 0 || array.shape(0) != arrays.front().shape(0)) {
      throw Error(Code::kInvalidArgument, "arrays have different numbers of rows");
    }
  }
  if (names.size() != what.size()) {
    throw Error(Code::kInvalidArgument, "expected a name for each array");
  }
  return written([&](std::string* to) { write_json_rows(names, what, to); });
}

}  // namespace

void register_json(py::module_& module) {
  module.def("read_json", &read, py::arg("body"), py::arg("spans_of") = "");
  module.def("write_json", &write_array, py::arg("array"));
  module.def("write_json_rows", &write_rows, py::arg("names"), py::arg("arrays"));
}

}  // namespace tfnative::bindings
