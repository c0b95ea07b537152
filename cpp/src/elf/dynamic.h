// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// What a library asks of the dynamic linker.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "elf/image.h"

namespace tfnative::internal::elf {

// What is allowed beside what compiled models have.
enum class Rules {
  kClosed,        // Nothing.
  kInstrumented,  // What sanitizers add: their libraries, and code that begins them.
};

// The dynamic table of a library, of which every entry is one that compiled models
// have.
class Dynamic {
 public:
  // Throws Problem: it has another entry, as one for code that runs when the library is
  // opened or closed, or for files that it looks for by itself; or the entries do not
  // fit each other.
  Dynamic(const Image& image, Rules rules);

  bool has(std::int64_t tag) const { return entries_.count(tag) != 0; }
  // The value of an entry, or 0 if there is none.
  std::uint64_t value(std::int64_t tag) const;
  // Bytes of a table that two entries describe; none if they are not there.
  std::string_view table(std::int64_t address_tag, std::int64_t size_tag) const;
  // A text by its place in the table of texts. Throws Problem.
  std::string text(std::uint64_t place) const;
  // The libraries that it needs.
  const std::vector<std::string>& needed() const { return needed_; }

 private:
  void add(const Elf64_Dyn& entry, Rules rules);
  void check() const;

  const Image& image_;
  std::map<std::int64_t, std::uint64_t> entries_;
  std::vector<std::uint64_t> needed_places_;
  std::vector<std::string> needed_;
  std::string_view texts_;
};

}  // namespace tfnative::internal::elf
