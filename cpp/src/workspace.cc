// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "workspace.h"

#include <algorithm>
#include <new>
#include <string>
#include <thread>

#include "tfnative/error.hpp"
#include "tfnative/tensor.hpp"

namespace tfnative::internal {
namespace {

constexpr std::align_val_t kAlign{kAlignmentBytes};
constexpr std::size_t kMinBlockBytes = 4096;

}  // namespace

Block::~Block() { ::operator delete(data_, kAlign); }

void Block::reserve(std::size_t bytes) {
  if (bytes <= capacity_) return;
  bytes = std::max(bytes, kMinBlockBytes);
  ::operator delete(data_, kAlign);
  data_ = nullptr;
  capacity_ = 0;
  data_ = static_cast<char*>(::operator new(bytes, kAlign, std::nothrow));
  if (data_ == nullptr) {
    throw Error(Code::kResourceExhausted,
                "out of memory: a call needs a workspace of " + std::to_string(bytes) +
                    " bytes");
  }
  capacity_ = bytes;
}

WorkspacePool::WorkspacePool()
    : slot_count_(std::clamp(std::thread::hardware_concurrency(), 1u, 64u)),
      slots_(new std::atomic<Block*>[slot_count_]()) {}

WorkspacePool::~WorkspacePool() {
  for (std::size_t i = 0; i < slot_count_; ++i) delete slots_[i].load();
}

// A slot is emptied with exchange and filled with compare-and-swap from empty, so
// a block is in one place at any time, and a pointer that comes back (ABA) does no
// harm.
std::unique_ptr<Block> WorkspacePool::acquire() {
  for (std::size_t i = 0; i < slot_count_; ++i) {
    if (slots_[i].load(std::memory_order_relaxed) == nullptr) continue;
    Block* block = slots_[i].exchange(nullptr, std::memory_order_acquire);
    if (block != nullptr) return std::unique_ptr<Block>(block);
  }
  return std::make_unique<Block>();
}

void WorkspacePool::release(std::unique_ptr<Block> block) noexcept {
  for (std::size_t i = 0; i < slot_count_; ++i) {
    Block* empty = nullptr;
    if (slots_[i].load(std::memory_order_relaxed) == nullptr &&
        slots_[i].compare_exchange_strong(empty, block.get(), std::memory_order_release,
                                          std::memory_order_relaxed)) {
      block.release();
      return;
    }
  }
}

}  // namespace tfnative::internal
