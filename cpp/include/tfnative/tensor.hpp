// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Element types, descriptions and views of tensors. Nothing here owns data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tfnative {

// Memory aligned to this many bytes is read and written in place; other memory
// costs a copy.
inline constexpr std::size_t kAlignmentBytes = 64;

// Size of a dimension in a TensorSpec that is not known. In the first place it is the
// batch; compiled models have it nowhere else.
inline constexpr std::int64_t kBatch = -1;

// Element types, numbered as tensorflow.DataType numbers them.
enum class DType : std::int32_t {
  kFloat32 = 1,
  kFloat64 = 2,
  kInt32 = 3,
  kUint8 = 4,
  kInt16 = 5,
  kInt8 = 6,
  kString = 7,  // Elements are StringViews.
  kComplex64 = 8,
  kInt64 = 9,
  kBool = 10,
  kBfloat16 = 14,
  kUint16 = 17,
  kComplex128 = 18,
  kFloat16 = 19,
  kUint32 = 22,
  kUint64 = 23,
};

// An element of a string tensor: bytes that someone else owns, and that need not be
// text.
struct StringView {
  const char* data = nullptr;
  std::size_t size = 0;
};

// NumPy's name of a type ("float32"), or "bfloat16"; nullptr if there is no such
// type.
const char* dtype_name(DType dtype) noexcept;

// Bytes of one element; 0 if there is no such type.
std::size_t dtype_bytes(DType dtype) noexcept;

// A range of objects that lie in a row, owned by someone else.
template <typename T>
class Span {
 public:
  constexpr Span() = default;
  constexpr Span(T* data, std::size_t size) : data_(data), size_(size) {}
  template <std::size_t kSize>
  constexpr Span(T (&array)[kSize]) : data_(array), size_(kSize) {}
  template <typename Container, typename = std::enable_if_t<std::is_convertible_v<
                                    decltype(std::declval<Container&>().data()), T*>>>
  constexpr Span(Container& container)
      : data_(container.data()), size_(container.size()) {}

  constexpr T* data() const { return data_; }
  constexpr std::size_t size() const { return size_; }
  constexpr T* begin() const { return data_; }
  constexpr T* end() const { return data_ + size_; }
  constexpr T& operator[](std::size_t index) const { return data_[index]; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

// Sizes of the dimensions of a tensor.
using ShapeView = Span<const std::int64_t>;

// One input or output of a signature.
struct TensorSpec {
  std::string name;
  DType dtype = DType::kFloat32;
  std::vector<std::int64_t> shape;  // kBatch: any size
  bool unknown_rank = false;        // Then `shape` is empty.

  bool has_batch() const { return !shape.empty() && shape[0] == kBatch; }
};

// A dense row-major tensor in the caller's memory, to be read. `data` may be null
// if the tensor has no elements. The sizes behind `shape` are the caller's, too.
struct TensorView {
  const void* data = nullptr;
  DType dtype = DType::kFloat32;
  ShapeView shape;
};

// Likewise, to be written.
struct MutableTensorView {
  void* data = nullptr;
  DType dtype = DType::kFloat32;
  ShapeView shape;
};

}  // namespace tfnative
