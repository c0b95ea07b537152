// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "mapped_image.h"

#include <dlfcn.h>
#include <link.h>

#include <cstring>

#include "base/utf8.h"

namespace tfnative::internal {

MappedImage::MappedImage(std::string_view file, void* handle) : image_(file) {
  const link_map* map = nullptr;
  if (::dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0 || map == nullptr) {
    throw elf::Problem("the dynamic linker does not say where it is");
  }
  begin_ = static_cast<std::uint64_t>(map->l_addr);
}

// As the file has it. Wraps around, for what lies before the library, to an address
// that no segment has.
std::uint64_t MappedImage::address(const void* data) const {
  return static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(data)) - begin_;
}

bool MappedImage::has(const void* data, std::uint64_t bytes, bool is_code) const {
  return data != nullptr && image_.lies_in(address(data), bytes, is_code ? PF_X : 0);
}

bool MappedImage::has_text(const char* text) const {
  if (text == nullptr) return false;
  const std::uint64_t left = image_.bytes_behind(address(text));
  if (left == 0) return false;
  const void* const end = std::memchr(text, 0, left);
  return end != nullptr && is_utf8({text, static_cast<std::size_t>(
                                              static_cast<const char*>(end) - text)});
}

}  // namespace tfnative::internal
