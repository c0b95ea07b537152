// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

namespace tfnative::internal {

std::string quoted(std::string_view text) {
  std::string result = "'";
  if (text.size() <= kMostShownBytes) return result.append(text).append("'");
  std::size_t shown = kMostShownBytes;  // Up to where a character begins.
  while (shown > 0 && (static_cast<unsigned char>(text[shown]) & 0xC0) == 0x80) --shown;
  return result.append(text.substr(0, shown)).append("...'");
}

std::string joined(const std::vector<std::string>& parts) {
  std::string result;
  for (const std::string& part : parts) {
    if (!result.empty()) result += ", ";
    result += part;
  }
  return result;
}

std::string joined(const std::vector<std::int64_t>& numbers) {
  std::vector<std::string> parts;
  for (const std::int64_t number : numbers) parts.push_back(std::to_string(number));
  return joined(parts);
}

std::string shape_text(ShapeView shape) {
  // Callers may have made a mistake with the rank: what is no shape is not read.
  if (shape.size() > kMostDimensions) {
    return "of " + std::to_string(shape.size()) + " dimensions";
  }
  std::vector<std::string> parts;
  for (const std::int64_t size : shape) {
    const char* const unknown = parts.empty() ? "rows" : "any";
    parts.push_back(size == kBatch ? unknown : std::to_string(size));
  }
  // As Python writes tuples: (3,) has a comma.
  return "(" + joined(parts) + (parts.size() == 1 ? ",)" : ")");
}

}  // namespace tfnative::internal
