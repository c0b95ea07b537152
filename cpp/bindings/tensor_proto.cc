// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tensor_proto.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "give_way.h"
#include "proto/message_reader.h"
#include "tfnative/error.hpp"

namespace py = pybind11;

namespace tfnative::bindings {
namespace {

using internal::MessageReader;
using internal::PackedVarints;
using internal::WireType;

// Fields of TensorProto, of TensorShapeProto, and of its Dim.
constexpr std::uint32_t kDtype = 1, kShape = 2, kContent = 4, kFirstValues = 5;
constexpr std::uint32_t kDim = 2, kUnknownRank = 3, kSize = 1;

constexpr std::size_t kMostDimensions = 254;  // TensorFlow's.

std::string_view bytes_of(const py::buffer_info& info) {
  if (info.ndim != 1 || info.itemsize != 1 || (info.size > 1 && info.strides[0] != 1)) {
    throw Error(Code::kInvalidArgument, "expected bytes that lie in order");
  }
  return {static_cast<const char*>(info.ptr), static_cast<std::size_t>(info.size)};
}

struct Head {
  std::uint64_t dtype = 0;
  bool has_unknown_rank = false;
  std::vector<std::int64_t> shape;
  std::string_view content;
  std::set<std::uint32_t> fields;  // That values are in.
};

// As protobuf merges messages: what comes again is added.
void read_shape(std::string_view message, Head* head) {
  for (MessageReader shape(message); shape.next();) {
    if (shape.is(kUnknownRank, WireType::kVarint)) {
      head->has_unknown_rank = shape.varint() != 0;
    } else if (shape.is(kDim, WireType::kBytes)) {
      std::int64_t size = 0;
      for (MessageReader dim(shape.bytes()); dim.next();) {
        if (dim.is(kSize, WireType::kVarint)) {
          size = static_cast<std::int64_t>(dim.varint());
        }
      }
      if (head->shape.size() == kMostDimensions) {
        throw Error(Code::kInvalidArgument, "a shape has more than 254 dimensions");
      }
      head->shape.push_back(size);
    }
  }
}

Head read_head(std::string_view message) {
  Head head;
  for (MessageReader reader(message); reader.next();) {
    if (reader.is(kDtype, WireType::kVarint)) {
      head.dtype = reader.varint();
    } else if (reader.is(kShape, WireType::kBytes)) {
      read_shape(reader.bytes(), &head);
    } else if (reader.is(kContent, WireType::kBytes)) {
      head.content = reader.bytes();
    } else if (reader.field() >= kFirstValues) {
      head.fields.insert(reader.field() < 64 ? reader.field() : 64);
    }
  }
  return head;
}

py::tuple tensor_head(const py::buffer& message) {
  const py::buffer_info info = message.request();
  const std::string_view bytes = bytes_of(info);
  Head head;
  without_gil([&] { head = read_head(bytes); });
  const py::ssize_t begin =
      head.content.empty() ? 0 : head.content.data() - bytes.data();
  py::object shape = py::none();
  if (!head.has_unknown_rank) shape = py::tuple(py::cast(head.shape));
  return py::make_tuple(head.dtype, shape, begin,
                        begin + static_cast<py::ssize_t>(head.content.size()),
                        py::cast(head.fields));
}

[[noreturn]] void fail_count(std::size_t limit) {
  throw Error(Code::kInvalidArgument,
              "expected " + std::to_string(limit) + " values, got more");
}

std::vector<std::uint64_t> read_varints(std::string_view message, std::uint32_t field,
                                        std::size_t limit) {
  std::vector<std::uint64_t> found;
  const auto put = [&](std::uint64_t value) {
    if (found.size() == limit) fail_count(limit);
    found.push_back(value);
  };
  for (MessageReader reader(message); reader.next();) {
    if (reader.is(field, WireType::kVarint)) {
      put(reader.varint());
    } else if (reader.is(field, WireType::kBytes)) {
      PackedVarints packed(reader.bytes());
      for (std::uint64_t value; packed.next(&value);) put(value);
    }
  }
  return found;
}

// Numbers of so many bytes as they are: little endian.
std::string read_fixed(std::string_view message, std::uint32_t field, std::size_t size,
                       std::size_t limit) {
  const WireType alone = size == 4 ? WireType::kFixed32 : WireType::kFixed64;
  std::string found;
  for (MessageReader reader(message); reader.next();) {
    if (reader.is(field, WireType::kBytes)) {
      if (reader.bytes().size() % size != 0) {
        throw Error(Code::kInvalidArgument, "a value is cut off");
      }
      if (reader.bytes().size() / size > limit - found.size() / size) fail_count(limit);
      found.append(reader.bytes());
    } else if (reader.is(field, alone)) {
      if (found.size() / size == limit) fail_count(limit);
      const std::uint64_t value = reader.fixed64();
      for (std::size_t i = 0; i < size; ++i) {
        found.push_back(static_cast<char>(value >> (8 * i) & 0xFF));
      }
    }
  }
  return found;
}

std::vector<std::string_view> read_strings(std::string_view message,
                                           std::uint32_t field, std::size_t limit) {
  std::vector<std::string_view> found;
  for (MessageReader reader(message); reader.next();) {
    if (!reader.is(field, WireType::kBytes)) continue;
    if (found.size() == limit) fail_count(limit);
    found.push_back(reader.bytes());
  }
  return found;
}

template <typename Read>
auto without_lock(const py::buffer_info& info, const Read& read) {
  const std::string_view bytes = bytes_of(info);
  std::optional<decltype(read(bytes))> found;
  without_gil([&] { found.emplace(read(bytes)); });
  return *std::move(found);
}

py::array tensor_varints(const py::buffer& message, std::uint32_t field,
                         std::size_t limit) {
  const py::buffer_info info = message.request();
  const auto found = without_lock(
      info, [&](std::string_view bytes) { return read_varints(bytes, field, limit); });
  return py::array_t<std::uint64_t>(static_cast<py::ssize_t>(found.size()),
                                    found.data());
}

py::array tensor_fixed(const py::buffer& message, std::uint32_t field, std::size_t size,
                       std::size_t limit) {
  if (size != 4 && size != 8) {
    throw Error(Code::kInvalidArgument, "expected 4 or 8 bytes");
  }
  const py::buffer_info info = message.request();
  const std::string found = without_lock(info, [&](std::string_view bytes) {
    return read_fixed(bytes, field, size, limit);
  });
  return py::array_t<std::uint8_t>(static_cast<py::ssize_t>(found.size()),
                                   reinterpret_cast<const std::uint8_t*>(found.data()));
}

py::array tensor_strings(const py::buffer& message, std::uint32_t field,
                         std::size_t limit) {
  const py::buffer_info info = message.request();
  const auto found = without_lock(
      info, [&](std::string_view bytes) { return read_strings(bytes, field, limit); });
  py::array array(py::dtype("O"),
                  std::vector<py::ssize_t>{static_cast<py::ssize_t>(found.size())});
  auto** const objects = static_cast<PyObject**>(array.mutable_data());
  for (std::size_t i = 0; i < found.size(); ++i) {
    PyObject* const text = PyBytes_FromStringAndSize(
        found[i].data(), static_cast<Py_ssize_t>(found[i].size()));
    if (text == nullptr) throw py::error_already_set();
    Py_XDECREF(std::exchange(objects[i], text));
  }
  return array;
}

}  // namespace

void register_tensor_proto(py::module_& module) {
  module.def("tensor_head", &tensor_head, py::arg("message"));
  module.def("tensor_varints", &tensor_varints, py::arg("message"), py::arg("field"),
             py::arg("limit"));
  module.def("tensor_fixed", &tensor_fixed, py::arg("message"), py::arg("field"),
             py::arg("size"), py::arg("limit"));
  module.def("tensor_strings", &tensor_strings, py::arg("message"), py::arg("field"),
             py::arg("limit"));
}

}  // namespace tfnative::bindings
