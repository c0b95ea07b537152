// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "elf/image.h"

#include <unistd.h>

namespace tfnative::internal::elf {
namespace {

constexpr std::size_t kMostSegments = 64;
// Sums of addresses and sizes below this do not overflow.
constexpr std::uint64_t kMostAddress = std::uint64_t{1} << 47;

// Older headers lack some of these.
constexpr std::uint32_t kGnuProperty = 0x6474e553;
constexpr std::uint32_t kArm64MemoryTags = 0x70000002;

std::uint64_t page_bytes() {
  return static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// Where the last page of a segment ends.
std::uint64_t end_of_pages(const Elf64_Phdr& segment) {
  const std::uint64_t page = page_bytes();
  return (segment.p_vaddr + segment.p_memsz + page - 1) / page * page;
}

bool contains(std::uint64_t begin, std::uint64_t size, std::uint64_t address,
              std::uint64_t bytes) {
  return address >= begin && bytes <= size && address - begin <= size - bytes;
}

}  // namespace

Image::Image(std::string_view file) : file_(file) {
  read_header();
  read_segments();
}

void Image::read_header() {
  header_ = at<Elf64_Ehdr>(file_.substr(0, sizeof header_), 0);
  const unsigned char* const ident = header_.e_ident;
  if (std::memcmp(ident, ELFMAG, SELFMAG) != 0 || ident[EI_CLASS] != ELFCLASS64 ||
      ident[EI_DATA] != ELFDATA2LSB || header_.e_type != ET_DYN) {
    throw Problem("it is not a shared library of 64 bits");
  }
  if (ident[EI_VERSION] != EV_CURRENT || header_.e_version != EV_CURRENT ||
      (ident[EI_OSABI] != ELFOSABI_SYSV && ident[EI_OSABI] != ELFOSABI_GNU) ||
      header_.e_phentsize != sizeof(Elf64_Phdr)) {
    throw Problem("its ELF header makes no sense");
  }
}

void Image::read_segments() {
  const std::uint64_t bytes = std::uint64_t{header_.e_phnum} * sizeof(Elf64_Phdr);
  if (header_.e_phnum > kMostSegments || header_.e_phoff > file_.size() ||
      header_.e_phoff % alignof(Elf64_Phdr) != 0 ||
      bytes > file_.size() - header_.e_phoff) {
    throw Problem("its table of segments is not in the file");
  }
  const std::string_view table = file_.substr(header_.e_phoff, bytes);
  for (std::size_t i = 0; i < header_.e_phnum; ++i) {
    const auto segment = at<Elf64_Phdr>(table, i);
    if (segment.p_type == PT_LOAD) add_load(segment);
  }
  for (std::size_t i = 0; i < header_.e_phnum; ++i) {
    check_other(at<Elf64_Phdr>(table, i), table);
  }
  if (dynamic_.p_type != PT_DYNAMIC) {
    throw Problem("it has no table for the dynamic linker");
  }
}

void Image::check_other(const Elf64_Phdr& segment, std::string_view table) {
  const std::uint64_t address = segment.p_vaddr, size = segment.p_memsz;
  switch (segment.p_type) {
    case PT_NULL:
    case kArm64MemoryTags: return;
    case PT_LOAD:
      if ((segment.p_flags & PF_W) != 0 || segment.p_filesz == size) return;
      throw Problem("a segment that cannot be written has bytes that no file has");
    case PT_GNU_STACK:
      if ((segment.p_flags & PF_X) == 0) return;
      throw Problem("it would make the stack of the process executable");
    case PT_DYNAMIC:
      if (dynamic_.p_type == PT_DYNAMIC) throw Problem("it has two dynamic tables");
      // Linkers write addresses into it.
      if ((segment.p_flags & PF_W) == 0 || !lies_in(address, size, PF_W)) {
        throw Problem("its table for the dynamic linker cannot be written");
      }
      dynamic_ = segment;
      return;
    case PT_PHDR:
      if (bytes(address, table.size(), true) == table) return;
      throw Problem("its table of segments is not where it says");
    case PT_GNU_RELRO:
      if (lies_on_pages(address, size)) return;
      throw Problem("it would protect what it does not have");
    case PT_NOTE:
    case kGnuProperty: return check_notes(segment);
    case PT_GNU_EH_FRAME: break;
    default:
      throw Problem("it has a segment of type " + std::to_string(segment.p_type) +
                    ", which no model has");
  }
  if (!lies_in(address, size, 0)) {
    throw Problem("a segment lies outside of what is mapped");
  }
}

// Linkers go from note to note by the sizes that they say they have.
void Image::check_notes(const Elf64_Phdr& segment) const {
  const std::string_view notes = bytes(segment.p_vaddr, segment.p_memsz, true);
  const std::uint64_t align = segment.p_align == 8 ? 8 : 4;
  const auto aligned = [&](std::uint64_t size) {
    return (size + align - 1) / align * align;
  };
  if (segment.p_align > 8) throw Problem("its notes make no sense");
  for (std::uint64_t place = 0; place < notes.size();) {
    const std::string_view rest = notes.substr(place);
    const auto note = at<Elf64_Nhdr>(rest, 0);
    const std::uint64_t text = aligned(sizeof note + note.n_namesz);
    if (text + note.n_descsz > rest.size()) {
      throw Problem("its notes make no sense");
    }
    place += aligned(text + note.n_descsz);
  }
}

void Image::add_load(const Elf64_Phdr& segment) {
  const std::uint64_t page = page_bytes();
  if (segment.p_filesz > segment.p_memsz || segment.p_offset > file_.size() ||
      segment.p_filesz > file_.size() - segment.p_offset ||
      segment.p_vaddr > kMostAddress || segment.p_memsz > kMostAddress) {
    throw Problem("a segment lies outside of the file");
  }
  const std::uint64_t align = segment.p_align;
  if (align < page || (align & (align - 1)) != 0 || align > kMostAddress ||
      segment.p_vaddr % align != segment.p_offset % align) {
    throw Problem("a segment is not aligned to pages of " + std::to_string(page) +
                  " bytes");
  }
  const std::uint32_t flags = segment.p_flags & (PF_R | PF_W | PF_X);
  if (flags != PF_R && flags != (PF_R | PF_W) && flags != (PF_R | PF_X)) {
    throw Problem("a segment may be written and executed, or not be read");
  }
  check_order(segment);
  loads_.push_back(segment);
}

void Image::check_order(const Elf64_Phdr& segment) const {
  if (loads_.empty()) return;
  const Elf64_Phdr& last = loads_.back();
  const std::uint64_t page = page_bytes();
  // What shares a page with the next segment would be mapped from elsewhere.
  if (segment.p_vaddr / page * page < end_of_pages(last)) {
    throw Problem("its segments overlap");
  }
  // What is code is nothing else as well.
  if (segment.p_filesz > 0 && segment.p_offset < last.p_offset + last.p_filesz) {
    throw Problem("its segments overlap in the file");
  }
}

const Elf64_Phdr& Image::segment_at(std::uint64_t address, std::uint64_t size,
                                    bool writable) const {
  // Where one segment ends another may begin.
  bool is_begun = false;
  for (const Elf64_Phdr& load : loads_) {
    if (!writable && (load.p_flags & PF_W) != 0) continue;
    if (contains(load.p_vaddr, load.p_filesz, address, size)) return load;
    is_begun = is_begun || contains(load.p_vaddr, load.p_filesz, address, 0);
  }
  throw Problem(is_begun ? "a table in it is cut off"
                         : "a table in it is not where it has to be");
}

std::string_view Image::bytes(std::uint64_t address, std::uint64_t size,
                              bool writable) const {
  const Elf64_Phdr& load = segment_at(address, size, writable);
  return file_.substr(load.p_offset + (address - load.p_vaddr), size);
}

std::string_view Image::rest(std::uint64_t address) const {
  const Elf64_Phdr& load = segment_at(address, 1, false);
  const std::uint64_t skipped = address - load.p_vaddr;
  return file_.substr(load.p_offset + skipped, load.p_filesz - skipped);
}

bool Image::lies_on_pages(std::uint64_t address, std::uint64_t size) const {
  for (const Elf64_Phdr& load : loads_) {
    if ((load.p_flags & PF_W) != 0 &&
        contains(load.p_vaddr, end_of_pages(load) - load.p_vaddr, address, size)) {
      return true;
    }
  }
  return false;
}

std::uint64_t Image::bytes_behind(std::uint64_t address) const {
  for (const Elf64_Phdr& load : loads_) {
    if (contains(load.p_vaddr, load.p_memsz, address, 1)) {
      return load.p_memsz - (address - load.p_vaddr);
    }
  }
  return 0;
}

bool Image::lies_in(std::uint64_t address, std::uint64_t size,
                    std::uint32_t flags) const {
  for (const Elf64_Phdr& load : loads_) {
    if ((load.p_flags & flags) == flags &&
        contains(load.p_vaddr, load.p_memsz, address, size)) {
      return true;
    }
  }
  return false;
}

}  // namespace tfnative::internal::elf
