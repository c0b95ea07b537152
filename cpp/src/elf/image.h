// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// What the system's loader would map of an ELF file, read without mapping it.
#pragma once

#include <elf.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tfnative::internal::elf {

// What is wrong with a file, as the end of a sentence about it.
class Problem : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The segments of a 64-bit little-endian library. Bytes are found by their address, as
// the loader finds them: what sections say is of no account. Nothing outside of the
// given bytes is read, whatever is in them.
class Image {
 public:
  // The bytes stay the caller's and live as long as this. Throws Problem if they are
  // not such a library, or its segments are not as linkers lay them out: in order,
  // inside of the file, on pages of their own, and never both writable and executable.
  explicit Image(std::string_view file);

  unsigned machine() const { return header_.e_machine; }
  std::uint64_t dynamic_address() const { return dynamic_.p_vaddr; }
  std::uint64_t dynamic_bytes() const { return dynamic_.p_memsz; }

  // So many bytes from an address, all in one segment of the file that nothing writes
  // to, unless `writable`. Throws Problem.
  std::string_view bytes(std::uint64_t address, std::uint64_t size,
                         bool writable = false) const;
  // All bytes from an address to the end of such a segment. Throws Problem.
  std::string_view rest(std::uint64_t address) const;
  // How many bytes there are from an address to the end of its segment, those behind
  // what the file has included; 0 if it is in none.
  std::uint64_t bytes_behind(std::uint64_t address) const;
  // Whether so many bytes from an address lie in one segment that has all of `flags`
  // (PF_W, PF_X), in the file or behind what it has.
  bool lies_in(std::uint64_t address, std::uint64_t size, std::uint32_t flags) const;

  // The i-th value of a table.
  template <typename T>
  static T at(std::string_view table, std::uint64_t i) {
    if (i >= table.size() / sizeof(T)) throw Problem("a table in it is too short");
    T value;
    std::memcpy(&value, table.data() + i * sizeof(T), sizeof value);
    return value;
  }

 private:
  void read_header();
  void read_segments();
  // Whether so many bytes from an address lie on the pages of a writable segment.
  bool lies_on_pages(std::uint64_t address, std::uint64_t size) const;
  void add_load(const Elf64_Phdr& segment);
  void check_order(const Elf64_Phdr& segment) const;
  void check_other(const Elf64_Phdr& segment, std::string_view table);
  void check_notes(const Elf64_Phdr& segment) const;
  // The segment with so many bytes from an address, all in the file.
  const Elf64_Phdr& segment_at(std::uint64_t address, std::uint64_t size,
                               bool writable) const;

  std::string_view file_;
  Elf64_Ehdr header_ = {};
  Elf64_Phdr dynamic_ = {};
  std::vector<Elf64_Phdr> loads_;
};

}  // namespace tfnative::internal::elf
