// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Memory for calls, kept between them.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

namespace tfnative::internal {

// Memory aligned to kAlignmentBytes. Owned by one thread at a time.
class Block {
 public:
  Block() = default;
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  // Makes room for `bytes`; what was in it is lost if it has to grow. Throws Error
  // (kResourceExhausted).
  void reserve(std::size_t bytes);
  char* data() const { return data_; }

 private:
  char* data_ = nullptr;
  std::size_t capacity_ = 0;
};

// Blocks that no call uses. There come to be as many as calls run at once, but no
// more than one per hardware thread is kept. Lock-free.
class WorkspacePool {
 public:
  WorkspacePool();
  ~WorkspacePool();
  WorkspacePool(const WorkspacePool&) = delete;
  WorkspacePool& operator=(const WorkspacePool&) = delete;

  std::unique_ptr<Block> acquire();
  void release(std::unique_ptr<Block> block) noexcept;

 private:
  const std::size_t slot_count_;
  const std::unique_ptr<std::atomic<Block*>[]> slots_;
};

// A block for a scope, taken from the pool when it is first needed.
class Workspace {
 public:
  explicit Workspace(WorkspacePool& pool) : pool_(pool) {}
  ~Workspace() {
    if (block_) pool_.release(std::move(block_));
  }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  // At least `bytes` bytes, valid until the next call; null if `bytes` is 0.
  char* reserve(std::size_t bytes) {
    if (bytes == 0) return nullptr;
    if (!block_) block_ = pool_.acquire();
    block_->reserve(bytes);
    return block_->data();
  }

 private:
  WorkspacePool& pool_;
  std::unique_ptr<Block> block_;
};

}  // namespace tfnative::internal
