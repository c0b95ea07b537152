// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "array.h"

#include <initializer_list>

#include "gil.h"
#include "tfnative/error.hpp"

namespace py = pybind11;

namespace tfnative::bindings {
namespace {

constexpr std::size_t kWorthAligning = 4096;
constexpr std::size_t kMaxRank = 64;  // NumPy 2's; NumPy 1 has 32, and says so.

// Calls a function of tfnative._base.arrays.
py::object helper(const char* name, std::initializer_list<py::handle> arguments) {
  const py::object function = py::module_::import("tfnative._base.arrays").attr(name);
  PyObject* objects[4];
  std::size_t count = 0;
  for (const py::handle argument : arguments) objects[count++] = argument.ptr();
  PyObject* const result = call_python(
      [&] { return PyObject_Vectorcall(function.ptr(), objects, count, nullptr); });
  if (result == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(result);
}

py::dtype numpy_dtype(DType dtype) {
  if (dtype == DType::kString) return py::dtype("O");
  return py::reinterpret_steal<py::dtype>(
      helper("numpy_dtype", {py::str(dtype_name(dtype))}).release());
}

bool has_type(const TensorInfo& info, const py::array& array) {
  return array.dtype().ptr() == info.dtype.ptr();
}

bool is_plain(const py::array& array) {
  constexpr int kNeeded = py::array::c_style | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  return (array.flags() & kNeeded) == kNeeded;
}

}  // namespace

TensorInfo::TensorInfo(const TensorSpec& tensor, const std::string& location)
    : spec(tensor),
      name(py::reinterpret_steal<py::str>(
          PyUnicode_InternFromString(tensor.name.c_str()))),
      dtype(numpy_dtype(tensor.dtype)),
      where(location) {}

ShapeView shape_of(const py::array& array) {
  static_assert(sizeof(py::ssize_t) == sizeof(std::int64_t), "a 64-bit machine");
  return {reinterpret_cast<const std::int64_t*>(array.shape()),
          static_cast<std::size_t>(array.ndim())};
}

py::array as_input(const TensorInfo& info, py::handle value) {
  if (py::isinstance<py::array>(value)) {
    auto array = py::reinterpret_borrow<py::array>(value);
    if (has_type(info, array) && is_plain(array)) return array;
  }
  return py::reinterpret_steal<py::array>(
      helper("as_input", {value, info.dtype, info.where}).release());
}

py::array as_output(const TensorInfo& info, py::handle value) {
  if (py::isinstance<py::array>(value)) {
    auto array = py::reinterpret_borrow<py::array>(value);
    if (has_type(info, array) && is_plain(array) && array.writeable()) return array;
  }
  return py::reinterpret_steal<py::array>(
      helper("as_output", {value, info.dtype, info.where}).release());
}

py::array new_array(const TensorInfo& info, std::int64_t rows) {
  const std::vector<std::int64_t>& sizes = info.spec.shape;
  if (sizes.size() > kMaxRank) {
    throw Error(Code::kInvalidArgument, std::string(info.where) +
                                            ": NumPy has no arrays of rank " +
                                            std::to_string(sizes.size()));
  }
  py::ssize_t shape[kMaxRank];
  std::size_t bytes = dtype_bytes(info.spec.dtype);
  for (std::size_t d = 0; d < sizes.size(); ++d) {
    shape[d] = static_cast<py::ssize_t>(sizes[d] == kBatch ? rows : sizes[d]);
    bytes *= static_cast<std::size_t>(shape[d]);
  }
  py::object memory;  // An empty py::array would be made with NumPy's help.
  void* data = nullptr;
  if (bytes >= kWorthAligning) {
    const auto size = static_cast<py::ssize_t>(bytes + kAlignmentBytes);
    py::array_t<std::uint8_t> block(size);
    const auto address = reinterpret_cast<std::uintptr_t>(block.data());
    memory = std::move(block);
    data = reinterpret_cast<void*>((address + kAlignmentBytes - 1) / kAlignmentBytes *
                                   kAlignmentBytes);
  }
  // py::array's constructors allocate vectors of sizes and strides.
  const auto& numpy = py::detail::npy_api::get();
  PyObject* const array = numpy.PyArray_NewFromDescr_(
      numpy.PyArray_Type_, info.dtype.inc_ref().ptr(), static_cast<int>(sizes.size()),
      shape, nullptr, data,
      data != nullptr ? py::detail::npy_api::NPY_ARRAY_WRITEABLE_ : 0, nullptr);
  if (array == nullptr) throw py::error_already_set();
  auto result = py::reinterpret_steal<py::array>(array);
  if (data != nullptr &&
      numpy.PyArray_SetBaseObject_(array, memory.release().ptr()) != 0) {
    throw py::error_already_set();
  }
  return result;
}

DType dtype_of(const TensorInfo& info, const py::array& array) {
  if (has_type(info, array)) return info.spec.dtype;
  return static_cast<DType>(
      helper("dtype_number", {array.dtype(), info.dtype}).cast<std::int32_t>());
}

}  // namespace tfnative::bindings
