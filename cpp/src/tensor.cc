// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "tfnative/tensor.hpp"

namespace tfnative {
namespace {

struct DTypeInfo {
  const char* name;
  std::size_t bytes;
};

constexpr DTypeInfo info(DType dtype) {
  switch (dtype) {
    case DType::kFloat32: return {"float32", 4};
    case DType::kFloat64: return {"float64", 8};
    case DType::kInt32: return {"int32", 4};
    case DType::kUint8: return {"uint8", 1};
    case DType::kInt16: return {"int16", 2};
    case DType::kInt8: return {"int8", 1};
    case DType::kString: return {"string", sizeof(StringView)};
    case DType::kComplex64: return {"complex64", 8};
    case DType::kInt64: return {"int64", 8};
    case DType::kBool: return {"bool", 1};
    case DType::kBfloat16: return {"bfloat16", 2};
    case DType::kUint16: return {"uint16", 2};
    case DType::kComplex128: return {"complex128", 16};
    case DType::kFloat16: return {"float16", 2};
    case DType::kUint32: return {"uint32", 4};
    case DType::kUint64: return {"uint64", 8};
  }
  return {nullptr, 0};
}

}  // namespace

const char* dtype_name(DType dtype) noexcept { return info(dtype).name; }

std::size_t dtype_bytes(DType dtype) noexcept { return info(dtype).bytes; }

}  // namespace tfnative
