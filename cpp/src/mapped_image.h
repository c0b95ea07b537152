// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Which memory is an open library's.
#pragma once

#include <cstdint>
#include <string_view>

#include "elf/image.h"

namespace tfnative::internal {

// The segments of a library where the dynamic linker has put them. Pointers that the
// library gives are looked up here before anything is read through them.
class MappedImage {
 public:
  // `file` has the bytes of the library, which live as long as this; `handle` is what
  // dlopen made of them. Throws elf::Problem.
  MappedImage(std::string_view file, void* handle);

  // Whether so many bytes lie in one segment, which is code if `is_code`.
  bool has(const void* data, std::uint64_t bytes, bool is_code = false) const;

  // Whether it is null, or a number of objects, aligned, that lie in one segment.
  template <typename T>
  bool has_array(const T* data, std::int64_t count) const {
    if (count == 0) return true;
    return count > 0 && count <= kMostObjects && is_aligned(data, alignof(T)) &&
           has(data, static_cast<std::uint64_t>(count) * sizeof(T));
  }

  // Whether a text begins there that is UTF-8 and ends in the same segment.
  bool has_text(const char* text) const;

  // Whether code begins there.
  template <typename Function>
  bool has_code(Function* function) const {
    return has(reinterpret_cast<const void*>(function), 1, true);
  }

 private:
  static constexpr std::int64_t kMostObjects = 1 << 24;

  static bool is_aligned(const void* data, std::size_t alignment) {
    return reinterpret_cast<std::uintptr_t>(data) % alignment == 0;
  }
  std::uint64_t address(const void* data) const;

  const elf::Image image_;
  std::uint64_t begin_ = 0;  // What is added to addresses of the file.
};

}  // namespace tfnative::internal
