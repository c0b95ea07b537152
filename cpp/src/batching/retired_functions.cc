// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "batching/retired_functions.h"

#include <iterator>
#include <utility>

namespace tfnative::internal {

void RetiredFunctions::add(std::shared_ptr<const BatchFunction> function) {
  any_.store(true, std::memory_order_relaxed);
  functions_.push_back(std::move(function));
}

void RetiredFunctions::let_go() noexcept {
  if (!any_.load(std::memory_order_relaxed)) return;
  std::list<std::shared_ptr<const BatchFunction>> unused;  // Until the lock is gone.
  const std::lock_guard<std::mutex> lock(mutex_);
  for (auto function = functions_.begin(); function != functions_.end();) {
    const auto next = std::next(function);
    if (function->use_count() == 1) unused.splice(unused.end(), functions_, function);
    function = next;
  }
  any_.store(!functions_.empty(), std::memory_order_relaxed);
}

}  // namespace tfnative::internal
