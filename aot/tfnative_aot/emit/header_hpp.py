# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""NAME.hpp: what all signatures share in C++, and a class for each."""

from __future__ import annotations

from tfnative_aot.emit.class_hpp import emit_class
from tfnative_aot.emit.interface import Interface


def emit_cpp_header(interface: Interface) -> str:
    """The text of NAME.hpp."""
    name = interface.name
    guard = f"TFNATIVE_MODEL_{name.upper()}_HPP_"
    classes = "\n".join(emit_class(interface, s) for s in interface.signatures)
    return f"""\
// The model {name!r}, compiled by tfnative for {interface.triple}.
// Generated: changes are lost.
//
// C++11. Works with -fno-exceptions and -fno-rtti: then there is `try_predict`, but not
// `predict`, which throws.
#ifndef {guard}
#define {guard}

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include "{name}.h"

#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
#define {guard}THROWS
#include <stdexcept>
#include <string>
#endif

namespace {name} {{

{_COMMON}
{classes}
}}  // namespace {name}

#undef {guard}THROWS
#endif  // {guard}
""".replace("TFN_THROWS_GUARD", f"{guard}THROWS")


_COMMON = """\
// Elements that are somewhere else. Made of an array, or of anything that has data()
// and size(), as std::vector, std::array and std::span.
template <typename T>
class span {
 public:
  span(T* data, std::size_t size) : data_(data), size_(size) {}
  template <std::size_t n>
  span(T (&array)[n]) : data_(array), size_(n) {}
  template <typename Container,
            typename = decltype(std::declval<Container&>().data())>
  span(Container&& from) : data_(from.data()), size_(from.size()) {}
  T* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  T* data_;
  std::size_t size_;
};

// What `try_predict` returns beside 0 and what the functions of C return.
enum : std::int32_t {
  out_of_memory = -100,
  wrong_size = -101,  // Of a span, or a number of rows that is not compiled.
};

// Fills a batch up with copies of its last row: unlike zeros, they can fail no check
// that the row itself does not fail. Without any row, with zeros.
inline void pad_rows(char* batch, std::size_t used, std::size_t size,
                     std::size_t row_bytes) {
  if (used == 0) std::memset(batch, 0, size * row_bytes);
  for (std::size_t row = used; used > 0 && row < size; ++row)
    std::memcpy(batch + row * row_bytes, batch + (used - 1) * row_bytes, row_bytes);
}

// Makes booleans what the model knows: 1 of what is not 0.
inline void true_bytes(char* bytes, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) bytes[i] = bytes[i] != 0 ? 1 : 0;
}

// Memory aligned to 64 bytes.
class aligned_buffer {
 public:
  bool reserve(std::size_t bytes) {
    if (bytes <= bytes_) return true;
    storage_.reset(new (std::nothrow) char[bytes + 63]);
    bytes_ = storage_ ? bytes : 0;
    return storage_ != nullptr;
  }
  char* data() const {
    const std::uintptr_t at = reinterpret_cast<std::uintptr_t>(storage_.get());
    return storage_.get() + (64 - at % 64) % 64;
  }

 private:
  std::unique_ptr<char[]> storage_;
  std::size_t bytes_ = 0;
};
"""
