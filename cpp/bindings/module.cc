// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include <pybind11/pybind11.h>

#include "batcher.h"
#include "errors.h"
#include "examples.h"
#include "json.h"
#include "model.h"
#include "tensor_proto.h"
#include "tensorflow_model.h"
#include "tensorflow_options.h"

PYBIND11_MODULE(_core, module) {
  module.attr("__version__") = TFNATIVE_VERSION;
  tfnative::bindings::register_errors(module);
  tfnative::bindings::register_examples(module);
  tfnative::bindings::register_json(module);
  tfnative::bindings::register_tensor_proto(module);
  tfnative::bindings::register_model(module);
  tfnative::bindings::register_batcher(module);
  tfnative::bindings::register_tensorflow_options(module);
  tfnative::bindings::register_tensorflow_model(module);
}
