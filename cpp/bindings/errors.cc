// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "errors.h"

#include <new>
#include <string_view>

#include "tfnative/error.hpp"

namespace py = pybind11;

namespace tfnative::bindings {
namespace {

void set_error(const Error& error, bool is_load_error) {
  try {
    const py::module_ errors = py::module_::import("tfnative.errors");
    const py::object type =
        errors.attr("type_for")(static_cast<int>(error.code()), is_load_error);
    // What it quotes from outside, as an environment variable, need not be UTF-8.
    const std::string_view text = error.what();
    const auto message = py::reinterpret_steal<py::object>(PyUnicode_DecodeUTF8(
        text.data(), static_cast<Py_ssize_t>(text.size()), "backslashreplace"));
    if (message) PyErr_SetObject(type.ptr(), message.ptr());
  } catch (py::error_already_set& failed) {
    failed.restore();
  }
}

}  // namespace

void set_python_error() noexcept {
  try {
    throw;
  } catch (py::error_already_set& error) {
    if (!error.matches(PyExc_MemoryError)) return error.restore();
    set_error(Error(Code::kResourceExhausted, "out of memory"), false);
  } catch (const LoadError& error) {
    set_error(error, true);
  } catch (const Error& error) {
    set_error(error, false);
  } catch (const std::bad_alloc&) {
    set_error(Error(Code::kResourceExhausted, "out of memory"), false);
  } catch (const std::exception& error) {
    set_error(Error(Code::kInternal, error.what()), false);
  } catch (...) {
    set_error(Error(Code::kInternal, "unknown error"), false);
  }
}

void register_errors(py::module_&) {
  py::register_local_exception_translator([](std::exception_ptr caught) {
    try {
      if (caught) std::rethrow_exception(caught);
    } catch (const Error&) {
      set_python_error();
    }
  });
}

std::string type_name(py::handle object) { return Py_TYPE(object.ptr())->tp_name; }

}  // namespace tfnative::bindings
