// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "json_writer.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>

namespace tfnative::bindings {
namespace {

constexpr std::size_t kMostCharacters = 32;  // Of a number: 24 for a double.

void write_double(double value, std::string* to) {
  if (std::isnan(value)) {
    to->append("NaN");
  } else if (std::isinf(value)) {
    to->append(value < 0 ? "-Infinity" : "Infinity");
  } else {
    char text[kMostCharacters];
    char* const end = std::to_chars(text, text + kMostCharacters, value).ptr;
    const std::string_view written(text, static_cast<std::size_t>(end - text));
    to->append(written);
    // Whoever reads it shall have a float.
    if (written.find_first_of(".e") == std::string_view::npos) to->append(".0");
  }
}

template <typename Integer>
void write_integer(Integer value, std::string* to) {
  char text[kMostCharacters];
  to->append(text, std::to_chars(text, text + kMostCharacters, value).ptr);
}

template <typename T>
T element(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

void write_element(const JsonArray& array, const char* at, std::string* to) {
  using From = JsonArray::Kind;
  const std::size_t size = array.element_bytes;
  switch (array.kind) {
    case From::kBool: to->append(*at != 0 ? "true" : "false"); return;
    case From::kFloat:
      return write_double(size == 4 ? element<float>(at) : element<double>(at), to);
    case From::kSigned:
      return write_integer<std::int64_t>(size == 1   ? element<std::int8_t>(at)
                                         : size == 2 ? element<std::int16_t>(at)
                                         : size == 4 ? element<std::int32_t>(at)
                                                     : element<std::int64_t>(at),
                                         to);
    case From::kUnsigned:
      return write_integer<std::uint64_t>(size == 1   ? element<std::uint8_t>(at)
                                          : size == 2 ? element<std::uint16_t>(at)
                                          : size == 4 ? element<std::uint32_t>(at)
                                                      : element<std::uint64_t>(at),
                                          to);
  }
}

std::size_t bytes_of(const JsonArray& array, std::size_t dimension) {
  std::size_t bytes = array.element_bytes;
  for (std::size_t i = dimension; i < array.shape.size(); ++i) {
    bytes *= static_cast<std::size_t>(array.shape[i]);
  }
  return bytes;
}

void write_from(const JsonArray& array, std::size_t dimension, const char* at,
                std::string* to) {
  if (dimension == array.shape.size()) return write_element(array, at, to);
  const std::size_t step = bytes_of(array, dimension + 1);
  to->push_back('[');
  for (std::int64_t i = 0; i < array.shape[dimension]; ++i) {
    if (i != 0) to->push_back(',');
    write_from(array, dimension + 1, at + static_cast<std::size_t>(i) * step, to);
  }
  to->push_back(']');
}

}  // namespace

void write_json(const JsonArray& array, std::string* to) {
  write_from(array, 0, static_cast<const char*>(array.data), to);
}

void write_json_rows(const std::vector<std::string>& names,
                     const std::vector<JsonArray>& arrays, std::string* to) {
  const std::int64_t rows = arrays.empty() ? 0 : arrays.front().shape.front();
  to->push_back('[');
  for (std::int64_t row = 0; row < rows; ++row) {
    to->append(row == 0 ? "{" : ",{");
    for (std::size_t i = 0; i < arrays.size(); ++i) {
      if (i != 0) to->push_back(',');
      to->append(names[i]).push_back(':');
      const std::size_t offset = static_cast<std::size_t>(row) * bytes_of(arrays[i], 1);
      write_from(arrays[i], 1, static_cast<const char*>(arrays[i].data) + offset, to);
    }
    to->push_back('}');
  }
  to->push_back(']');
}

}  // namespace tfnative::bindings
