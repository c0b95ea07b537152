// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "array.h"

#include <algorithm>

namespace py = pybind11;

namespace tfnative::bindings {
namespace {

constexpr std::size_t kWorthAligning = 4096;

py::object helper(const char* name) {
  return py::module_::import("tfnative._arrays").attr(name);
}

py::dtype numpy_dtype(DType dtype) {
  return py::reinterpret_steal<py::dtype>(
      helper("numpy_dtype")(dtype_name(dtype)).release());
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

Shape::Shape(const py::array& array)
    : rank_(std::min(static_cast<std::size_t>(array.ndim()), kMaxRank)) {
  std::copy_n(array.shape(), rank_, sizes_);
}

Shape::Shape(const TensorSpec& spec, std::int64_t rows)
    : rank_(std::min(spec.shape.size(), kMaxRank)) {
  std::copy_n(spec.shape.data(), rank_, sizes_);
  if (spec.has_batch()) sizes_[0] = rows;
}

std::size_t Shape::elements() const {
  std::size_t count = 1;
  for (std::size_t d = 0; d < rank_; ++d) count *= static_cast<std::size_t>(sizes_[d]);
  return count;
}

py::array as_input(const TensorInfo& info, py::handle value) {
  if (py::isinstance<py::array>(value)) {
    auto array = py::reinterpret_borrow<py::array>(value);
    if (has_type(info, array) && is_plain(array)) return array;
  }
  return py::reinterpret_steal<py::array>(
      helper("as_input")(value, info.dtype, info.where).release());
}

py::array as_output(const TensorInfo& info, py::handle value) {
  if (py::isinstance<py::array>(value)) {
    auto array = py::reinterpret_borrow<py::array>(value);
    if (has_type(info, array) && is_plain(array) && array.writeable()) return array;
  }
  return py::reinterpret_steal<py::array>(
      helper("as_output")(value, info.dtype, info.where).release());
}

py::array new_array(const TensorInfo& info, const Shape& shape) {
  const std::size_t bytes = shape.elements() * dtype_bytes(info.spec.dtype);
  const ShapeView sizes = shape.view();
  const std::vector<py::ssize_t> numpy_shape(sizes.begin(), sizes.end());
  if (bytes < kWorthAligning) return py::array(info.dtype, numpy_shape);
  py::array_t<std::uint8_t> memory(static_cast<py::ssize_t>(bytes + kAlignmentBytes));
  const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
  const std::size_t skip =
      (kAlignmentBytes - address % kAlignmentBytes) % kAlignmentBytes;
  return py::array(info.dtype, numpy_shape, memory.mutable_data() + skip, memory);
}

DType dtype_of(const TensorInfo& info, const py::array& array) {
  if (has_type(info, array)) return info.spec.dtype;
  return static_cast<DType>(
      helper("dtype_number")(array.dtype(), info.dtype).cast<std::int32_t>());
}

}  // namespace tfnative::bindings
