// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "batcher.h"

#include <pybind11/stl.h>

#include <tuple>
#include <utility>

#include "errors.h"
#include "gil.h"
#include "model.h"
#include "python_function.h"
#include "seconds.h"
#include "tensorflow_model.h"

namespace py = pybind11;

namespace tfnative::bindings {

PyBatcher::PyBatcher(const BatchSource& source, const BatchOptions& options,
                     const BatchScheduler& scheduler)
    : signature_(source.signature),
      info_(source.model, signature_),
      // The last one to let it go may be a call: it joins threads, which may need the
      // interpreter's lock.
      batcher_(new Batcher(source.function, options, scheduler), [](Batcher* batcher) {
        const WithoutGil release;
        delete batcher;
      }) {
  if (source.head != nullptr) info_.put_head(source.head);
  info_.feed = source.feed;
}

void PyBatcher::swap(const BatchSource& source) {
  const auto& before = info_.head;
  const bool same =
      before == source.head ||
      (before != nullptr && source.head != nullptr && *before == *source.head);
  if (!same) {
    throw Error(
        Code::kInvalidArgument,
        info_.where + ": the new model reads other features, or has no examples");
  }
  // What one has made of a request may be run by the other.
  if (!(info_.feed ? info_.feed : py::none())
           .equal(source.feed ? source.feed : py::none())) {
    throw Error(Code::kInvalidArgument,
                info_.where + ": the new model has another head");
  }
  {
    const WithoutGil release;
    batcher_->swap(source.function);
  }
  info_.feed = source.feed;
}

PyRequest::PyRequest(BatchFuture future, std::shared_ptr<Batcher> batcher,
                     std::vector<py::array> inputs, py::object result)
    : future_(std::move(future)),
      batcher_(std::move(batcher)),
      inputs_(std::move(inputs)),
      result_(std::move(result)) {}

PyRequest::~PyRequest() {
  if (future_.done() || future_.cancel()) return;
  const WithoutGil release;
  try {
    future_.get();
  } catch (const Error&) {  // Nobody asks any more.
  }
}

bool PyRequest::cancel() const {
  const WithoutGil release;
  return future_.cancel();
}

py::object PyRequest::result() const {
  future_.get();
  return result_;
}

namespace {

// Lets signal handlers run: Ctrl-C shall end a wait.
void check_signals() {
  const PyGILState_STATE state = PyGILState_Ensure();
  const int failed = PyErr_CheckSignals();
  std::exception_ptr raised;
  if (failed != 0) raised = std::make_exception_ptr(py::error_already_set());
  PyGILState_Release(state);
  if (raised) std::rethrow_exception(raised);
}

struct Call {
  Call(const SignatureInfo& info, py::handle value)
      : inputs(info.inputs.size()), outputs(info.outputs.size()) {
    py::object owned;
    value = as_dict_or_value(value, owned);
    as_dict = PyDict_Check(value.ptr());
    read_inputs(info, value, inputs);
    // A view that does not fit is refused by the batcher, with a message that says how.
    std::int64_t rows = 0;
    for (const TensorView& view : inputs.views) {
      if (view.shape.size() > 0) rows = view.shape[0];
    }
    make_outputs(info, rows, outputs);
  }

  Inputs inputs;
  Outputs outputs;
  bool as_dict = false;
};

py::object predict(const PyBatcher& self, py::handle value, py::handle timeout) {
  const std::shared_ptr<Batcher> batcher = self.batcher();
  const std::int64_t micros = micros_of(timeout);
  Call call(self.info(), value);
  {
    const WithoutGil release;
    batcher->predict(call.inputs.span(), call.outputs.span(), micros, check_signals);
  }
  return result_of(self.info(), call.outputs.arrays, call.as_dict);
}

std::unique_ptr<PyRequest> submit(const PyBatcher& self, py::handle value,
                                  py::handle timeout,
                                  const std::shared_ptr<Completions>& completions,
                                  std::int64_t number) {
  const std::shared_ptr<Batcher> batcher = self.batcher();
  const std::int64_t micros = micros_of(timeout);
  Call call(self.info(), value);
  py::object result = result_of(self.info(), call.outputs.arrays, call.as_dict);
  std::optional<BatchFuture> future;
  {
    const WithoutGil release;
    future = batcher->submit(
        call.inputs.span(), call.outputs.span(), micros,
        [completions, number](const Error*) { completions->push(number); });
  }
  return std::make_unique<PyRequest>(*future, batcher, std::move(call.inputs.arrays),
                                     std::move(result));
}

constexpr const char* kDoc =
    "predict($self, inputs, /, *, timeout=None)\n--\n\n"
    "Predicts rows in a batch with those of others. See tfnative.Batcher.";

PyObject* predict_entry(PyObject* self, PyObject* const* arguments, Py_ssize_t count,
                        PyObject* keywords) noexcept {
  try {
    if (count != 1) {
      PyErr_Format(PyExc_TypeError,
                   "predict() takes one positional argument, the inputs (%zd given)",
                   count);
      return nullptr;
    }
    py::handle timeout = Py_None;
    const Py_ssize_t keyword_count =
        keywords == nullptr ? 0 : PyTuple_GET_SIZE(keywords);
    for (Py_ssize_t i = 0; i < keyword_count; ++i) {
      PyObject* const keyword = PyTuple_GET_ITEM(keywords, i);
      if (PyUnicode_CompareWithASCIIString(keyword, "timeout") != 0) {
        PyErr_Format(PyExc_TypeError, "predict() has no argument %R", keyword);
        return nullptr;
      }
      timeout = arguments[count + i];
    }
    auto* const instance = reinterpret_cast<py::detail::instance*>(self);
    const void* const batcher = instance->get_value_and_holder().value_ptr();
    if (batcher == nullptr) {
      throw Error(Code::kFailedPrecondition, "Batcher.__init__ was not called");
    }
    return predict(*static_cast<const PyBatcher*>(batcher), arguments[0], timeout)
        .release()
        .ptr();
  } catch (...) {
    set_python_error();
    return nullptr;
  }
}

void add_predict(py::class_<PyBatcher>& type) {
  static PyMethodDef method = {
      "predict",
      reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(predict_entry)),
      METH_FASTCALL | METH_KEYWORDS, kDoc};
  auto* const type_object = reinterpret_cast<PyTypeObject*>(type.ptr());
  type.attr("predict") =
      py::reinterpret_steal<py::object>(PyDescr_NewMethod(type_object, &method));
}

// --- What to batch -------------------------------------------------------------

BatchSource model_source(const PyModel& model, py::handle name) {
  const SignatureInfo& info = model.find(name);
  return {model.model().name(), info.signature,
          batch_function(model.model(), info.signature), info.head, info.feed};
}

BatchSource tensorflow_source(const PyTensorflowModel& model, py::handle name) {
  const SignatureInfo& info = model.find(name);
  return {model.model().name(), info.signature,
          batch_function(model.model(), info.signature), info.head, info.feed};
}

using Spec = std::tuple<std::string, std::int32_t, std::vector<std::int64_t>>;

BatchSource function_source(const std::string& model, const std::string& name,
                            const std::vector<Spec>& inputs,
                            const std::vector<Spec>& outputs,
                            std::int64_t default_max_batch_size, bool runs_empty,
                            py::object function) {
  const auto specs = [](const std::vector<Spec>& tuples) {
    std::vector<TensorSpec> result;
    for (const auto& [tensor, dtype, shape] : tuples) {
      result.push_back({tensor, static_cast<DType>(dtype), shape});
    }
    return result;
  };
  BatchSource source;
  source.model = model;
  source.signature.name = name;
  source.signature.inputs = specs(inputs);
  source.signature.outputs = specs(outputs);
  source.function = python_function(source.model, source.signature, std::move(function),
                                    default_max_batch_size, runs_empty);
  return source;
}

// --- Snapshots -----------------------------------------------------------------

py::tuple histogram_tuple(const Histogram& histogram) {
  return py::make_tuple(py::tuple(py::cast(histogram.bounds)),
                        py::tuple(py::cast(histogram.counts)), histogram.sum);
}

py::dict metrics_dict(const BatchMetrics& m) {
  py::dict errors, padding, result;
  for (const auto& [code, count] : m.errors) errors[py::str(code_name(code))] = count;
  for (const auto& [size, rows] : m.padding_size) {
    padding[py::int_(size)] = histogram_tuple(rows);
  }
  result["request_count"] = m.request_count;
  result["wrapped_run_count"] = m.wrapped_run_count;
  result["divided_batch_count"] = m.divided_batch_count;
  result["errors"] = errors;
  result["queuing_latency"] = histogram_tuple(m.queuing_latency);
  result["request_latency"] = histogram_tuple(m.request_latency);
  result["run_latency"] = histogram_tuple(m.run_latency);
  result["input_batch_size"] = histogram_tuple(m.input_batch_size);
  result["processed_batch_size"] = histogram_tuple(m.processed_batch_size);
  result["padding_size"] = padding;
  result["queued_requests"] = m.queued_requests;
  result["queued_rows"] = m.queued_rows;
  result["enqueued_batches"] = m.enqueued_batches;
  result["running_batches"] = m.running_batches;
  result["batch_timeout_micros"] = m.batch_timeout_micros;
  return result;
}

py::dict trace_dict(const BatchTrace& trace) {
  py::list requests, batches;
  for (const BatchTrace::Request& r : trace.requests) {
    requests.append(
        py::make_tuple(r.id, r.rows, r.enqueued_micros, r.done_micros, r.code));
  }
  for (const BatchTrace::Batch& b : trace.batches) {
    batches.append(py::make_tuple(b.id, b.thread, b.rows, b.padded_rows,
                                  b.opened_micros, b.started_micros, b.done_micros,
                                  b.code, py::tuple(py::cast(b.requests))));
  }
  py::dict result;
  result["requests"] = requests;
  result["batches"] = batches;
  result["dropped"] = trace.dropped;
  result["chrome_json"] = trace.to_chrome_json();
  return result;
}

// --- Registration --------------------------------------------------------------

// The wrapped clock as one that C++ shares.
void register_clock(py::module_& module) {
  py::class_<Clock, std::shared_ptr<Clock>> clock(module, "Clock",
                                                  "What time it is, and how to wait.");
  refuse_pickling(clock);
  clock.def("now_micros", &Clock::now_micros);
  py::class_<FakeClock, Clock, std::shared_ptr<FakeClock>>(
      module, "FakeClock",
      "A clock that stands still but for ``advance(micros)``, for tests of what "
      "waits.")
      .def(py::init<>())
      .def("advance", &FakeClock::advance, py::arg("micros"));
}

void register_options(py::module_& module) {
  py::class_<BatchOptions> type(module, "BatchOptions");
  refuse_pickling(type);
  type.def(py::init<>())
      .def_readwrite("max_batch_size", &BatchOptions::max_batch_size)
      .def_readwrite("batch_timeout_micros", &BatchOptions::batch_timeout_micros)
      .def_readwrite("max_enqueued_batches", &BatchOptions::max_enqueued_batches)
      .def_readwrite("allowed_batch_sizes", &BatchOptions::allowed_batch_sizes)
      .def_readwrite("enable_large_batch_splitting",
                     &BatchOptions::enable_large_batch_splitting)
      .def_readwrite("max_execution_batch_size",
                     &BatchOptions::max_execution_batch_size)
      .def_readwrite("pad_variable_length_inputs",
                     &BatchOptions::pad_variable_length_inputs)
      .def_property(
          "streaming",
          [](const BatchOptions& o) { return o.mode == BatchMode::kStreaming; },
          [](BatchOptions& o, bool streaming) {
            o.mode = streaming ? BatchMode::kStreaming : BatchMode::kQueued;
          })
      .def_readwrite("latency_target_micros", &BatchOptions::latency_target_micros)
      .def_readwrite("retry_max_time_micros", &BatchOptions::retry_max_time_micros)
      .def_readwrite("retry_delay_micros", &BatchOptions::retry_delay_micros);
  module.def("parse_batching_parameters", [](const std::string& text) {
    const BatchingParameters found = parse_batching_parameters(text);
    return py::make_tuple(found.options, found.threads.num_batch_threads,
                          found.threads.thread_pool_name);
  });
}

void register_scheduler(py::module_& module) {
  py::class_<BatchScheduler> type(module, "BatchScheduler");
  refuse_pickling(type);
  type.def(py::init([](int threads, const std::string& name,
                       const std::shared_ptr<Clock>& clock) {
             BatchThreadOptions options;
             options.num_batch_threads = threads;
             options.thread_pool_name = name;
             if (clock != nullptr) options.clock = clock;
             return BatchScheduler(options);
           }),
           py::arg("num_batch_threads"), py::arg("thread_pool_name"), py::arg("clock"))
      .def_property_readonly("num_batch_threads", &BatchScheduler::num_batch_threads)
      .def_property_readonly("thread_pool_name", &BatchScheduler::thread_pool_name);
}

void register_requests(py::module_& module) {
  py::class_<Completions, std::shared_ptr<Completions>> completions(module,
                                                                    "Completions");
  refuse_pickling(completions);
  completions.def(py::init<>())
      .def("fileno", &Completions::file_descriptor)
      .def("take", &Completions::take)
      .def("wait",
           [](Completions& self) {
             std::vector<std::int64_t> numbers;
             {
               const WithoutGil release;
               numbers = self.wait();
             }
             return numbers;
           })
      .def("close", &Completions::close);
  py::class_<PyRequest> request(module, "BatchRequest");
  refuse_pickling(request);
  request.def("cancel", &PyRequest::cancel)
      .def("check_waiting", &PyRequest::check_waiting)
      .def("result", &PyRequest::result);
}

}  // namespace

void register_batcher(py::module_& module) {
  register_clock(module);
  register_options(module);
  register_scheduler(module);
  register_requests(module);
  py::class_<BatchSource> source(module, "BatchSource");
  refuse_pickling(source);
  module.def("model_source", &model_source);
  module.def("tensorflow_source", &tensorflow_source);
  module.def("function_source", &function_source);
  py::class_<PyBatcher> type(module, "Batcher");
  refuse_pickling(type);
  py::class_<BatchMetrics> metrics(module, "BatchMetrics");
  refuse_pickling(metrics);
  metrics.def("as_dict", &metrics_dict)
      .def("to_prometheus", &BatchMetrics::to_prometheus);
  type.def(py::init<const BatchSource&, const BatchOptions&, const BatchScheduler&>())
      .def("_submit", &submit)
      .def("_swap", &PyBatcher::swap)
      .def("_close",
           [](const PyBatcher& self, bool drain, py::handle timeout) {
             const std::int64_t micros = micros_of(timeout);
             const WithoutGil release;
             return self.batcher()->close(drain, micros);
           })
      .def_property_readonly(
          "closed", [](const PyBatcher& self) { return self.batcher()->closed(); })
      .def("_options", [](const PyBatcher& self) { return self.batcher()->options(); })
      .def("_metrics", [](const PyBatcher& self) { return self.batcher()->metrics(); })
      .def("_start_trace",
           [](const PyBatcher& self, std::size_t max_events) {
             self.batcher()->start_trace(max_events);
           })
      .def("_stop_trace", [](const PyBatcher& self) {
        return trace_dict(self.batcher()->stop_trace());
      });
  add_predict(type);
}

}  // namespace tfnative::bindings
