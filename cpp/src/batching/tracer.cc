// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "batching/tracer.h"

#include <algorithm>
#include <sstream>
#include <utility>

namespace tfnative {
namespace internal {

void Tracer::start(std::size_t max_events) {
  const std::lock_guard<std::mutex> lock(mutex_);
  trace_ = {};
  max_events_ = max_events;
  enabled_.store(true, std::memory_order_relaxed);
}

BatchTrace Tracer::stop() {
  const std::lock_guard<std::mutex> lock(mutex_);
  enabled_.store(false, std::memory_order_relaxed);
  return std::exchange(trace_, {});
}

BatchTrace Tracer::take() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(trace_, {});
}

bool Tracer::has_room() {
  if (!enabled()) return false;
  if (trace_.requests.size() + trace_.batches.size() < max_events_) return true;
  ++trace_.dropped;
  return false;
}

void Tracer::record(const BatchTrace::Request& request) {
  if (!enabled()) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (has_room()) trace_.requests.push_back(request);
}

void Tracer::record(BatchTrace::Batch batch) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (has_room()) trace_.batches.push_back(std::move(batch));
}

}  // namespace internal

// The format is described in "Trace Event Format" (Google, 2016): X is a span of a
// thread, b and e are the ends of a span that belongs to none.
std::string BatchTrace::to_chrome_json() const {
  std::int64_t first = kForever;
  for (const Batch& batch : batches) first = std::min(first, batch.opened_micros);
  for (const Request& r : requests) first = std::min(first, r.enqueued_micros);
  std::ostringstream json;
  json << R"({"displayTimeUnit": "ms", "traceEvents": [)";
  const char* comma = "\n";
  for (const Batch& batch : batches) {
    json << comma << R"({"ph": "X", "name": "batch of )" << batch.rows
         << R"(", "cat": "batch", "pid": 1, "tid": )" << batch.thread + 1
         << R"(, "ts": )" << batch.started_micros - first << R"(, "dur": )"
         << batch.done_micros - batch.started_micros << R"(, "args": {"id": )"
         << batch.id << R"(, "rows": )" << batch.rows << R"(, "padded_rows": )"
         << batch.padded_rows << R"(, "waited_micros": )"
         << batch.started_micros - batch.opened_micros << R"(, "code": )" << batch.code
         << R"(, "requests": [)";
    for (std::size_t i = 0; i < batch.requests.size(); ++i) {
      json << (i > 0 ? ", " : "") << batch.requests[i];
    }
    json << "]}}";
    comma = ",\n";
  }
  for (const Request& request : requests) {
    const auto end_of = [&](const char* phase, std::int64_t micros) {
      json << comma << R"({"ph": ")" << phase
           << R"(", "name": "request", "cat": "request", "pid": 1, "tid": 0, "id": )"
           << request.id << R"(, "ts": )" << micros - first << R"(, "args": {"rows": )"
           << request.rows << R"(, "code": )" << request.code << "}}";
      comma = ",\n";
    };
    end_of("b", request.enqueued_micros);
    end_of("e", request.done_micros);
  }
  json << "\n]}\n";
  return json.str();
}

}  // namespace tfnative
