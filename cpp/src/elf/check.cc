// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "elf/check.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "elf/relocations.h"
#include "elf/symbols.h"

namespace tfnative::internal::elf {
namespace {

bool begins_with(const std::string& text, const std::string& begin) {
  return text.compare(0, begin.size(), begin) == 0;
}

// libc and libm of glibc, musl and Android, and the dynamic linkers, of which some code
// for the stack and for threads is.
bool is_of_libc(const std::string& library) {
  return library == "libc.so.6" || library == "libm.so.6" || library == "libc.so" ||
         library == "libm.so" || library == "libdl.so" ||
         begins_with(library, "ld-linux-") || begins_with(library, "libc.musl-") ||
         begins_with(library, "ld-musl-");
}

bool is_of_sanitizers(const std::string& library) {
  return begins_with(library, "libasan.") || begins_with(library, "libtsan.") ||
         begins_with(library, "libubsan.");
}

void check_needed(const Dynamic& dynamic, Rules rules) {
  for (const std::string& library : dynamic.needed()) {
    const bool is_plain = library.find('/') == std::string::npos;
    const bool is_tolerated =
        rules == Rules::kInstrumented && is_of_sanitizers(library);
    if (!is_plain || (!is_of_libc(library) && !is_tolerated)) {
      throw Problem("it needs the library " + quoted(library) +
                    ", and models need libc and libm alone");
    }
  }
}

// That none begins inside of another one. Two names for one function are allowed.
void check_apart(const std::map<std::uint64_t, std::uint64_t>& ends) {
  std::uint64_t last = 0;
  for (const auto& [begin, end] : ends) {
    if (begin < last) throw Problem("a function in it begins inside of another one");
    last = end;
  }
}

void check_names(const Image& image, const std::vector<Symbol>& symbols,
                 const std::string& name) {
  const std::string entry_point = name + "_artifact";
  bool has_entry_point = false;
  std::map<std::uint64_t, std::uint64_t> ends;  // Of functions, by their addresses.
  for (const Symbol& symbol : symbols) {
    if (symbol.type == STT_GNU_IFUNC || symbol.type == STT_TLS) {
      throw Problem("the name " + quoted(symbol.name) +
                    " is of a kind that no model has");
    }
    if (!symbol.is_defined || symbol.binding == STB_LOCAL) continue;
    const bool is_code =
        symbol.type == STT_FUNC && image.lies_in(symbol.address, symbol.bytes, PF_X);
    if (!is_code || !begins_with(symbol.name, name + "_")) {
      throw Problem("it exports " + quoted(symbol.name) + ", and models export " +
                    "functions alone that begin with " + quoted(name + "_"));
    }
    const std::uint64_t end = symbol.address + symbol.bytes;
    std::uint64_t& known = ends[symbol.address];
    known = std::max(known, end);
    has_entry_point = has_entry_point || symbol.name == entry_point;
  }
  if (!has_entry_point) throw Problem("it does not export " + quoted(entry_point));
  check_apart(ends);
}

}  // namespace

void check_closed(std::string_view file, const std::string& name, Rules rules) {
  const Image image(file);
  const Dynamic dynamic(image, rules);
  check_needed(dynamic, rules);
  const std::vector<Symbol> symbols = read_symbols(image, dynamic);
  check_names(image, symbols, name);
  check_relocations(image, dynamic, symbols);
}

}  // namespace tfnative::internal::elf
