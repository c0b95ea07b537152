// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "leftovers.h"

#include <atomic>

namespace tfnative::bindings {
namespace {

// A list without a lock, since any thread may add to it. What is on it when the process
// ends stays.
struct Leftover {
  Inputs* inputs;
  Leftover* next;
};

std::atomic<Leftover*> first{nullptr};

void leave(Inputs* inputs) noexcept {
  if (inputs->arrays.empty() && inputs->texts.empty()) {
    delete inputs;
    return;
  }
  auto* const item = new Leftover{inputs, first.load(std::memory_order_relaxed)};
  while (!first.compare_exchange_weak(item->next, item, std::memory_order_release,
                                      std::memory_order_relaxed)) {
  }
}

}  // namespace

InputHolder::InputHolder(std::size_t count)
    : inputs_(new Inputs(count), [](Inputs* inputs) { leave(inputs); }) {}

InputHolder::~InputHolder() {
  if (inputs_.use_count() > 1) return;
  std::atomic_thread_fence(std::memory_order_acquire);  // After those of others.
  // Nobody else has them: the lock is held.
  *inputs_ = Inputs(0);
}

void free_leftovers() {
  if (first.load(std::memory_order_relaxed) == nullptr) return;
  Leftover* item = first.exchange(nullptr, std::memory_order_acquire);
  while (item != nullptr) {
    Leftover* const next = item->next;
    delete item->inputs;
    delete item;
    item = next;
  }
}

}  // namespace tfnative::bindings
