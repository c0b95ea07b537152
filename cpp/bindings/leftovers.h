// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Inputs that may be let go by threads that Python does not know.
#pragma once

#include <memory>

#include "arguments.h"

namespace tfnative::bindings {

// The inputs of a call, which others may keep beyond it. They are freed by the calling
// thread, with the interpreter's lock, if it is the last to need them; else they are
// left over until somebody has the lock: no other thread asks for it, so that none can
// wait for it in vain, or at exit.
class InputHolder {
 public:
  explicit InputHolder(std::size_t count);
  ~InputHolder();
  InputHolder(const InputHolder&) = delete;
  InputHolder& operator=(const InputHolder&) = delete;

  Inputs& get() const { return *inputs_; }
  // For those who need the inputs' memory.
  std::shared_ptr<void> share() const { return inputs_; }

 private:
  std::shared_ptr<Inputs> inputs_;
};

// Frees what was left over. The lock is held.
void free_leftovers();

}  // namespace tfnative::bindings
