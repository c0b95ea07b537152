// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "elf/symbols.h"

#include <algorithm>

namespace tfnative::internal::elf {
namespace {

constexpr std::uint64_t kMostSymbols = 1 << 20;
constexpr std::uint32_t kMostFiles = 64, kMostVersions = 1024;

// The table that the System V ABI describes: a look-up follows a chain from number to
// number, which must not lead in a circle.
std::uint64_t count_in_hash(const Image& image, std::uint64_t address) {
  const std::string_view table = image.rest(address);
  const std::uint64_t buckets = Image::at<std::uint32_t>(table, 0);
  const std::uint64_t count = Image::at<std::uint32_t>(table, 1);
  if (buckets == 0 || count > kMostSymbols || buckets > kMostSymbols ||
      table.size() / 4 < 2 + buckets + count) {
    throw Problem("its table of hashes makes no sense");
  }
  std::vector<bool> is_seen(count);
  for (std::uint64_t bucket = 0; bucket < buckets; ++bucket) {
    std::uint64_t i = Image::at<std::uint32_t>(table, 2 + bucket);
    while (i != STN_UNDEF) {
      if (i >= count || is_seen[i]) throw Problem("its table of hashes leads nowhere");
      is_seen[i] = true;
      i = Image::at<std::uint32_t>(table, 2 + buckets + i);
    }
  }
  return count;
}

// GNU's table: the symbols of a bucket stand side by side, and the last one is marked.
std::uint64_t count_in_gnu_hash(const Image& image, std::uint64_t address) {
  const std::string_view table = image.rest(address);
  const std::uint64_t buckets = Image::at<std::uint32_t>(table, 0);
  const std::uint64_t first = Image::at<std::uint32_t>(table, 1);
  const std::uint64_t words = Image::at<std::uint32_t>(table, 2);
  const std::uint64_t chains = 4 + 2 * words + buckets;
  if (buckets == 0 || buckets > kMostSymbols || first > kMostSymbols || words == 0 ||
      (words & (words - 1)) != 0 || words > kMostSymbols ||
      Image::at<std::uint32_t>(table, 3) >= 64 || table.size() / 4 < chains) {
    throw Problem("its table of hashes makes no sense");
  }
  std::uint64_t count = first;
  for (std::uint64_t bucket = 0; bucket < buckets; ++bucket) {
    std::uint64_t i = Image::at<std::uint32_t>(table, 4 + 2 * words + bucket);
    if (i == STN_UNDEF) continue;
    if (i < first) throw Problem("its table of hashes leads nowhere");
    if (i < count) continue;  // Its end has been found.
    while ((Image::at<std::uint32_t>(table, chains + i - first) & 1) == 0) ++i;
    count = i + 1;
  }
  return count;
}

std::uint64_t count_symbols(const Image& image, const Dynamic& dynamic) {
  const std::uint64_t hash = dynamic.value(DT_HASH);
  const std::uint64_t gnu_hash = dynamic.value(DT_GNU_HASH);
  if (hash == 0 && gnu_hash == 0) throw Problem("it has no table of hashes");
  const std::uint64_t count = hash != 0 ? count_in_hash(image, hash) : 0;
  const std::uint64_t of_gnu = gnu_hash != 0 ? count_in_gnu_hash(image, gnu_hash) : 0;
  if (hash != 0 && of_gnu > count) throw Problem("its tables of hashes disagree");
  return std::max(count, of_gnu);
}

// Which versions it asks for of which of the libraries that it needs. Returns the
// highest number of a version.
unsigned check_versions(const Image& image, const Dynamic& dynamic) {
  std::uint64_t place = dynamic.value(DT_VERNEED);
  if (place == 0) return 1;
  unsigned highest = 1;
  for (std::uint32_t files = 0;; ++files) {
    const auto file =
        Image::at<Elf64_Verneed>(image.bytes(place, sizeof(Elf64_Verneed)), 0);
    const auto& needed = dynamic.needed();
    if (files > kMostFiles || file.vn_version != VER_NEED_CURRENT ||
        std::find(needed.begin(), needed.end(), dynamic.text(file.vn_file)) ==
            needed.end()) {
      throw Problem("its table of versions makes no sense");
    }
    std::uint64_t of_version = place + file.vn_aux;
    for (std::uint32_t versions = 0;; ++versions) {
      const auto version =
          Image::at<Elf64_Vernaux>(image.bytes(of_version, sizeof(Elf64_Vernaux)), 0);
      dynamic.text(version.vna_name);
      const unsigned number = version.vna_other & 0x7fffu;
      // 0 and 1 are for names without one.
      if (versions > kMostVersions || number < 2 || number > kMostVersions) {
        throw Problem("its table of versions makes no sense");
      }
      highest = std::max(highest, number);
      if (version.vna_next == 0) break;
      of_version += version.vna_next;
    }
    if (file.vn_next == 0) {
      if (dynamic.value(DT_VERNEEDNUM) == files + 1) break;
      throw Problem("its table of versions makes no sense");
    }
    place += file.vn_next;
  }
  return highest;
}

void check_versions_of_symbols(const Image& image, const Dynamic& dynamic,
                               std::uint64_t count) {
  const unsigned highest = check_versions(image, dynamic);
  const std::uint64_t address = dynamic.value(DT_VERSYM);
  if (address == 0) return;
  const std::string_view table = image.bytes(address, count * sizeof(std::uint16_t));
  for (std::uint64_t i = 0; i < count; ++i) {
    if ((Image::at<std::uint16_t>(table, i) & 0x7fffu) > highest) {
      throw Problem("a name in it has a version that there is not");
    }
  }
}

}  // namespace

std::vector<Symbol> read_symbols(const Image& image, const Dynamic& dynamic) {
  const std::uint64_t count = count_symbols(image, dynamic);
  check_versions_of_symbols(image, dynamic, count);
  const std::string_view table =
      image.bytes(dynamic.value(DT_SYMTAB), count * sizeof(Elf64_Sym));
  std::vector<Symbol> symbols;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto entry = Image::at<Elf64_Sym>(table, i);
    Symbol symbol;
    symbol.name = dynamic.text(entry.st_name);
    symbol.type = ELF64_ST_TYPE(entry.st_info);
    symbol.binding = ELF64_ST_BIND(entry.st_info);
    symbol.is_defined = entry.st_shndx != SHN_UNDEF;
    symbol.address = entry.st_value;
    symbol.bytes = entry.st_size;
    symbols.push_back(symbol);
  }
  return symbols;
}

}  // namespace tfnative::internal::elf
