// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// The interpreter's lock, when the interpreter may end meanwhile.
//
// Before version 3.14, Python ends a daemon thread that asks for the lock at exit by
// unwinding its stack. That would run our destructors without the lock, or end the
// process in std::terminate. Such a thread sleeps until the process has ended instead,
// as it does from 3.14 on.
#pragma once

#include <pybind11/pybind11.h>
#include <unistd.h>

#include <utility>

namespace tfnative::bindings {

// Calls a function of the C API that may run Python code. None of them throws, so that
// what is caught is the thread's end.
template <typename Function>
auto call_python(Function&& function) noexcept {
  try {
    return std::forward<Function>(function)();
  } catch (...) {
    for (;;) pause();
  }
}

// py::gil_scoped_release without its bookkeeping, which takes as long as a small model.
class WithoutGil {
 public:
  WithoutGil() : state_(PyEval_SaveThread()) {}
  ~WithoutGil() {
    call_python([this] { PyEval_RestoreThread(state_); });
  }
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;

 private:
  PyThreadState* const state_;
};

// The interpreter's lock for a thread that Python may not know.
class WithGil {
 public:
  WithGil() : state_(call_python([] { return PyGILState_Ensure(); })) {}
  ~WithGil() { PyGILState_Release(state_); }
  WithGil(const WithGil&) = delete;
  WithGil& operator=(const WithGil&) = delete;

 private:
  const PyGILState_STATE state_;
};

}  // namespace tfnative::bindings
