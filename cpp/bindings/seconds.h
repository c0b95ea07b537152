// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

#include <cmath>
#include <cstdint>
#include <string>

#include "tfnative/clock.hpp"
#include "tfnative/error.hpp"

namespace tfnative::bindings {

// A timeout in seconds, or None for ever. Throws Error (kInvalidArgument), or
// error_already_set.
inline std::int64_t micros_of(pybind11::handle timeout) {
  if (timeout.is_none()) return kForever;
  const double seconds = PyFloat_AsDouble(timeout.ptr());
  if (seconds == -1 && PyErr_Occurred() != nullptr) {
    throw pybind11::error_already_set();
  }
  if (!(seconds >= 0)) {
    throw Error(Code::kInvalidArgument,
                "timeout must be a number of seconds of at least 0, got " +
                    std::string(pybind11::str(timeout)));
  }
  return seconds >= 1e12 ? kForever
                         : static_cast<std::int64_t>(std::ceil(seconds * 1e6));
}

}  // namespace tfnative::bindings
