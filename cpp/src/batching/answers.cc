// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "batching/answers.h"

#include <functional>
#include <new>
#include <utility>

namespace tfnative::internal {
namespace {

// Copies of an Error share their text, and the standard library counts who does where
// ThreadSanitizer does not see it. Each request has its own, if there is memory for it.
Error with_own_text(const Error& error) noexcept {
  try {
    return {error.code(), error.what()};
  } catch (const std::bad_alloc&) {
    return error;
  }
}

std::int32_t code_of(const Error* error) {
  return error == nullptr ? 0 : static_cast<std::int32_t>(error->code());
}

}  // namespace

void Answers::ran(const Batch& batch, const BatchRun& run, const Error* error) {
  for (const Part& part : batch.parts) {
    if (part.first_row != 0) continue;
    counters_.started(run.started_micros - part.request->enqueued_micros);
  }
  record(batch, batch.parts, batch.rows, run, error);
}

void Answers::ran_alone(const Batch& batch, const Part& part, const BatchRun& run,
                        const Error* error) {
  record(batch, {&part, 1}, part.rows, run, error);
}

void Answers::record(const Batch& batch, Span<const Part> parts, std::int64_t rows,
                     const BatchRun& run, const Error* error) {
  counters_.ran(rows, run.padded_rows, run.done_micros - run.started_micros);
  if (!tracer_.enabled()) return;
  BatchTrace::Batch record{batch.id,        run.thread,          rows,
                           run.padded_rows, batch.opened_micros, run.started_micros,
                           run.done_micros, code_of(error),      {}};
  for (const Part& part : parts) record.requests.push_back(part.request->id);
  tracer_.record(std::move(record));
}

void Answers::answer(Span<const Part> parts, const Error* error) noexcept {
  const std::int64_t now = clock_.now_micros();
  Ringing ringing;
  for (const Part& part : parts) {
    Request& request = *part.request;
    std::unique_lock<std::mutex> lock(request.mutex);
    if (error != nullptr && !request.error) request.error = with_own_text(*error);
    if (--request.unanswered_parts > 0) continue;
    finish(request, now, std::move(lock));
    ringing.add(*request.bell);
  }
}

void Answers::answer(Request& request, std::int64_t now) noexcept {
  finish(request, now, std::unique_lock<std::mutex>(request.mutex));
}

void Answers::refuse(Request& request, const Error& error, std::int64_t now) noexcept {
  std::unique_lock<std::mutex> lock(request.mutex);
  request.error = with_own_text(error);
  finish(request, now, std::move(lock));
}

// `lock` holds the request's mutex. Its bell is yet to be rung.
void Answers::finish(Request& request, std::int64_t now,
                     std::unique_lock<std::mutex> lock) noexcept {
  const Error* const error = request.error ? &*request.error : nullptr;
  counters_.answered(now - request.enqueued_micros, code_of(error));
  tracer_.record(BatchTrace::Request{request.id, request.rows, request.enqueued_micros,
                                     now, code_of(error)});
  const std::function<void(const Error*)> on_done = std::move(request.on_done);
  lock.unlock();
  request.done.store(true, std::memory_order_release);
  if (!on_done) return;
  try {
    on_done(error);
  } catch (...) {
    // Its author was told not to throw; the other requests shall not suffer from it.
  }
}

}  // namespace tfnative::internal
