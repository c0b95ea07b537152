// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "batch_snapshots.h"

#include <pybind11/stl.h>

#include "tfnative/error.hpp"

namespace py = pybind11;

namespace tfnative::bindings {
namespace {

py::tuple histogram_tuple(const Histogram& histogram) {
  return py::make_tuple(py::tuple(py::cast(histogram.bounds)),
                        py::tuple(py::cast(histogram.counts)), histogram.sum);
}

}  // namespace

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

py::dict trace_dict(const BatchTrace& trace, bool with_json) {
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
  if (with_json) result["chrome_json"] = trace.to_chrome_json();
  return result;
}

}  // namespace tfnative::bindings
