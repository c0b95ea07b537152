// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Work that gives way to all other threads, without holding them up.
//
// Whoever has the interpreter's lock and gets no CPU holds up every thread that needs
// it. So a thread that may need the lock must not give way: another one, which never
// has the lock, does its work at a lower priority meanwhile. A thread could not raise
// its own priority again, either, without a privilege.
#pragma once

#include <pybind11/pybind11.h>

#include <functional>

#include "gil.h"

namespace tfnative::bindings {

// Whether this thread has asked for what it does without the lock to give way.
bool gives_way() noexcept;

// Does work in a thread of a lower priority, where the system has such, and waits for
// it. What it throws is thrown here. Without such a thread, does it here.
void do_giving_way(const std::function<void()>& work);

// Does work without the interpreter's lock; it gives way if this thread has asked for
// that.
template <typename Work>
void without_gil(const Work& work) {
  const WithoutGil release;
  gives_way() ? do_giving_way(std::cref(work)) : work();
}

void register_give_way(pybind11::module_& module);

}  // namespace tfnative::bindings
