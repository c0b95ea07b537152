// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "runner.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "base/inline_vector.h"
#include "base/text.h"
#include "bools.h"
#include "call.h"
#include "check_failure.h"
#include "estimate.h"
#include "tensor_check.h"

namespace tfnative::internal {
namespace {

TensorSpec spec_of(const tfn_tensor_spec& spec) {
  return {
      spec.name, static_cast<DType>(spec.dtype), {spec.shape, spec.shape + spec.rank}};
}

std::vector<const tfn_variant*> variants_of(const tfn_signature& signature,
                                            std::int32_t level) {
  std::vector<const tfn_variant*> found;
  for (std::int32_t i = 0; i < signature.variant_count; ++i) {
    if (signature.variants[i].cpu_level == level) {
      found.push_back(&signature.variants[i]);
    }
  }
  std::sort(found.begin(), found.end(),
            [](auto a, auto b) { return a->batch_size < b->batch_size; });
  return found;
}

Signature describe(const tfn_signature& signature, std::int32_t level) {
  Signature result;
  result.name = signature.name;
  for (std::int32_t i = 0; i < signature.input_count; ++i) {
    result.inputs.push_back(spec_of(signature.inputs[i]));
  }
  for (std::int32_t i = 0; i < signature.output_count; ++i) {
    result.outputs.push_back(spec_of(signature.outputs[i]));
  }
  for (const tfn_variant* variant : variants_of(signature, level)) {
    if (variant->batch_size > 0) result.batch_sizes.push_back(variant->batch_size);
  }
  result.rows_independent = signature.flags & TFN_SIGNATURE_ROWS_INDEPENDENT;
  return result;
}

std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignmentBytes - 1) / kAlignmentBytes * kAlignmentBytes;
}

// Fills the rest of a batch with copies of its last row. What the caller may pass, may
// be there, too: a check that does not fail for the caller's rows does not fail for
// them, as it could for zeros, by which some model may divide. Without any row, with
// zeros.
void pad(char* batch, std::size_t used_bytes, std::size_t bytes,
         std::size_t row_bytes) {
  if (used_bytes == 0) {
    if (bytes > 0) std::memset(batch, 0, bytes);
    return;
  }
  const char* const copied = batch + used_bytes - row_bytes;
  for (std::size_t at = used_bytes; at < bytes;) {  // Twice as many each time.
    const auto known = static_cast<std::size_t>(batch + at - copied);
    const std::size_t now = std::min(known, bytes - at);
    std::memcpy(batch + at, copied, now);
    at += now;
  }
}

}  // namespace

Runner::Runner(const std::string& model, const tfn_artifact& artifact,
               const tfn_signature& signature, std::int32_t level, WorkspacePool& pool,
               const ThreadPool& threads)
    : signature_(describe(signature, level)),
      where_("model " + quoted(model) + ", signature " + quoted(signature_.name)),
      variants_(variants_of(signature, level)),
      pool_(pool),
      threads_(threads),
      empty_outputs_(signature.empty_outputs),
      empty_error_(signature.empty_error),
      weights_bytes_(artifact.weights_bytes),
      checks_(signature.checks, static_cast<std::size_t>(signature.check_count)) {
  const auto layout = [](const TensorSpec& spec) {
    return Layout{row_bytes(spec), spec.has_batch(), spec.dtype == DType::kBool};
  };
  for (const TensorSpec& spec : signature_.inputs) inputs_.push_back(layout(spec));
  for (const TensorSpec& spec : signature_.outputs) outputs_.push_back(layout(spec));
}

Runner::~Runner() = default;

void Runner::fail(const std::string& problem) const {
  throw Error(Code::kInvalidArgument, where_ + ": " + problem);
}

std::int64_t Runner::count_rows(Span<const TensorView> inputs) const {
  return internal::count_rows(where_, signature_.inputs, inputs);
}

void Runner::run(Span<const TensorView> inputs, Span<const MutableTensorView> outputs,
                 const RunOptions& options) const {
  const std::int64_t rows = count_rows(inputs);
  check_outputs(where_, signature_.outputs, outputs, rows);
  Call call(pool_, threads_, checks_.size() > 0, options.events);
  if (!signature_.has_batch()) {
    return run_batch(*variants_[0], inputs, outputs, 0, 1, call);
  }
  if (rows == 0) return run_empty(inputs, outputs, call);
  if (!signature_.rows_independent || options.compiled_sizes_only) {
    return run_batch(compiled_for(rows), inputs, outputs, 0, rows, call);
  }
  // A larger batch than needed costs no less: there is nothing to choose.
  if (variants_.size() == 1 || rows <= variants_[0]->batch_size) {
    const std::int64_t size = variants_[0]->batch_size;
    for (std::int64_t first = 0; first < rows; first += size) {
      run_batch(*variants_[0], inputs, outputs, first, std::min(size, rows - first),
                call);
    }
    return;
  }
  const Plan& chosen = plan();
  for (std::int64_t first = 0; first < rows;) {
    const tfn_variant& variant = *variants_[chosen.next(rows - first)];
    const std::int64_t used = std::min(variant.batch_size, rows - first);
    run_batch(variant, inputs, outputs, first, used, call);
    first += used;
  }
}

// What TensorFlow gives for no rows, if that is known. Else outputs without rows are
// the same for any number of rows, and so those of padding alone. So are the checks of
// what has no rows; those of rows have none to look at.
void Runner::run_empty(Span<const TensorView> inputs,
                       Span<const MutableTensorView> outputs, Call& call) const {
  if (empty_error_ != nullptr) {
    fail(std::string("TensorFlow refuses an empty batch: ") + empty_error_);
  }
  if (empty_outputs_ != nullptr) {
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (outputs_[i].has_batch || outputs_[i].row_bytes == 0) continue;
      std::memcpy(outputs[i].data, empty_outputs_[i], outputs_[i].row_bytes);
    }
    return;
  }
  const bool all_have_rows =
      std::all_of(outputs_.begin(), outputs_.end(),
                  [](const Layout& layout) { return layout.has_batch; });
  if (all_have_rows && first_check_without_rows(0) == checks_.size()) return;
  if (!signature_.rows_independent) return (void)compiled_for(0);
  run_batch(*variants_[0], inputs, outputs, 0, 0, call);
}

// The first of the checks from `begin` on that looks at no rows; or how many there are.
std::size_t Runner::first_check_without_rows(std::size_t begin) const {
  const auto has_rows = [](const tfn_check& check) {
    return std::any_of(check.shape, check.shape + check.rank,
                       [](std::int64_t size) { return size < 0; });
  };
  while (begin < checks_.size() && has_rows(checks_[begin])) ++begin;
  return begin;
}

// Of a batch without rows, what a check says of rows is about padding. Only the first
// check that fails is known: if others after it look at no rows, nobody knows of them.
bool Runner::is_about_padding(const tfn_failure& failure) const {
  const auto number = static_cast<std::size_t>(failure.check);
  if (failure.check < 0 || number >= checks_.size()) return false;
  if (first_check_without_rows(number) == number) return false;
  if (first_check_without_rows(number + 1) == checks_.size()) return true;
  fail("what is computed of no rows is not known: zeros in place of rows fail " +
       quoted(checks_[number].node) + ", after which other ops may fail");
}

const tfn_variant* Runner::variant(std::int64_t batch_size) const {
  for (const tfn_variant* known : variants_) {
    if (known->batch_size == batch_size) return known;
  }
  return nullptr;
}

std::size_t Runner::workspace_bytes(const tfn_variant& variant) const {
  const auto others = static_cast<std::size_t>(threads_.threads() - 1);
  return variant.workspace_bytes + others * variant.thread_bytes;
}

const tfn_variant& Runner::compiled_for(std::int64_t rows) const {
  if (const tfn_variant* const found = variant(rows)) return *found;
  fail(std::string(signature_.rows_independent ? ""
                                               : "its rows influence each other, or "
                                                 "are not proved not to, so that ") +
       "it takes the compiled batch sizes " + joined(signature_.batch_sizes) +
       " only, got " + std::to_string(rows) + " rows");
}

// Where the rows of a batch lie in a tensor of the caller's, and whether they can be
// used there: the memory is aligned and holds the whole batch.
Runner::Place Runner::place(const Layout& layout, const void* data,
                            const Batch& batch) {
  const std::size_t rows = layout.has_batch ? batch.size : 1;
  const std::size_t used = layout.has_batch ? batch.used : 1;
  const std::size_t skipped = layout.has_batch ? batch.first : 0;
  Place result;
  result.row_bytes = layout.row_bytes;
  result.is_bool = layout.is_bool;
  result.bytes = rows * layout.row_bytes;
  result.used_bytes = used * layout.row_bytes;
  result.offset = skipped * layout.row_bytes;
  const auto address = reinterpret_cast<std::uintptr_t>(data) + result.offset;
  result.copied = address % kAlignmentBytes != 0 || used != rows;
  return result;
}

// The same for an input, of which compiled code takes no booleans but 0 and 1.
Runner::Place Runner::place_of_input(const Layout& layout, const void* data,
                                     const Batch& batch) {
  Place result = place(layout, data, batch);
  if (result.is_bool && !result.copied) {
    const char* const rows = static_cast<const char*>(data) + result.offset;
    result.copied = has_other_bools(rows, result.bytes);
  }
  return result;
}

void Runner::run_batch(const tfn_variant& variant, Span<const TensorView> inputs,
                       Span<const MutableTensorView> outputs, std::int64_t first,
                       std::int64_t used, Call& call) const {
  const Batch batch = {
      static_cast<std::size_t>(std::max<std::int64_t>(variant.batch_size, 1)),
      static_cast<std::size_t>(first), static_cast<std::size_t>(used)};
  InlineVector<Place> in_places(inputs.size()), out_places(outputs.size());
  const std::size_t needed = workspace_bytes(variant);
  std::size_t bytes = needed;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    in_places[i] = place_of_input(inputs_[i], inputs[i].data, batch);
    if (in_places[i].copied) bytes += aligned(in_places[i].bytes);
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    out_places[i] = place(outputs_[i], outputs[i].data, batch);
    if (out_places[i].copied) bytes += aligned(out_places[i].bytes);
  }
  char* const memory = call.reserve(bytes);
  char* free = memory + needed;
  InlineVector<const void*> in(inputs.size());
  InlineVector<void*> out(outputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    in[i] = copy_in(in_places[i], inputs[i].data, &free);
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    out[i] = static_cast<char*>(outputs[i].data) + out_places[i].offset;
    if (out_places[i].copied) {
      out[i] = free;
      free += aligned(out_places[i].bytes);
    }
  }
  call.begin(variant);
  check_status(variant, variant.run(in.data(), out.data(), memory, call.context()),
               batch, call);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Place& from = out_places[i];
    if (from.copied && from.used_bytes > 0) {
      std::memcpy(static_cast<char*>(outputs[i].data) + from.offset, out[i],
                  from.used_bytes);
    }
  }
}

// The rows of an input: those of the caller, or a copy at `*free`, padded.
const void* Runner::copy_in(const Place& from, const void* data, char** free) {
  const char* const rows = static_cast<const char*>(data) + from.offset;
  if (!from.copied) return rows;
  char* const copy = *free;
  *free += aligned(from.bytes);
  if (from.is_bool) {
    copy_bools(copy, rows, from.used_bytes);
  } else if (from.used_bytes > 0) {
    std::memcpy(copy, rows, from.used_bytes);
  }
  pad(copy, from.used_bytes, from.bytes, from.row_bytes);
  return copy;
}

void Runner::check_status(const tfn_variant& variant, std::int32_t status,
                          const Batch& batch, const Call& call) const {
  if (status == 0) return;
  if (status == TFN_CHECK_FAILED) {
    const bool is_empty = signature_.has_batch() && batch.used == 0;
    if (is_empty && is_about_padding(call.failure())) return;
    throw CheckError(
        {where_, variant.batch_size, static_cast<std::int64_t>(batch.first)}, checks_,
        call.failure());
  }
  throw Error(Code::kInternal, where_ + ", batch size " +
                                   std::to_string(variant.batch_size) + ": step " +
                                   std::to_string(status) + " of " +
                                   std::to_string(variant.step_count) + " failed");
}

// A fixed function of the artifact: with another plan, another process would get
// results with other last bits.
const Plan& Runner::plan() const {
  if (const Plan* known = plan_.get()) return *known;
  std::vector<double> costs;
  for (const tfn_variant* variant : variants_) {
    costs.push_back(estimated_nanos(*variant, weights_bytes_));
  }
  return plan_.set(std::make_unique<const Plan>(signature_.batch_sizes, costs));
}

std::vector<double> Runner::measure() const {
  Call call(pool_, threads_, false, nullptr);
  std::vector<double> costs;
  for (const tfn_variant* variant : variants_) {
    costs.push_back(measure(*variant, call));
  }
  return costs;
}

// Nanoseconds that a variant takes on zeros: the best of a few runs, since others on
// the machine only make it slower.
double Runner::measure(const tfn_variant& variant, Call& call) const {
  using Clock = std::chrono::steady_clock;
  // The first runs of a large variant are slow: its weights and workspace have yet to
  // be mapped. What a wrong choice costs later is a multiple of some runs more.
  constexpr std::chrono::nanoseconds kEnough = std::chrono::milliseconds(60);
  constexpr int kMaxRuns = 20, kMinRuns = 3;
  const auto size =
      static_cast<std::size_t>(std::max<std::int64_t>(variant.batch_size, 1));
  const std::size_t needed = workspace_bytes(variant);
  std::size_t bytes = needed;
  const auto reserve = [&](const Layout& layout) {
    const std::size_t at = bytes;
    bytes += aligned(layout.row_bytes * (layout.has_batch ? size : 1));
    return at;
  };
  std::vector<std::size_t> in_at, out_at;
  for (const Layout& layout : inputs_) in_at.push_back(reserve(layout));
  const std::size_t inputs_end = bytes;
  for (const Layout& layout : outputs_) out_at.push_back(reserve(layout));
  char* const memory = call.reserve(bytes);
  if (memory != nullptr) std::memset(memory + needed, 0, inputs_end - needed);
  std::vector<const void*> in;
  std::vector<void*> out;
  for (const std::size_t at : in_at) in.push_back(memory + at);
  for (const std::size_t at : out_at) out.push_back(memory + at);

  auto best = Clock::duration::max();
  auto total = Clock::duration::zero();
  for (int i = 0; i < kMaxRuns && (i < kMinRuns || total < kEnough); ++i) {
    const auto start = Clock::now();
    variant.run(in.data(), out.data(), memory, call.context());
    const auto taken = Clock::now() - start;
    best = std::min(best, taken);
    total += taken;
  }
  return std::max(1.0, std::chrono::duration<double, std::nano>(best).count());
}

std::int64_t Runner::expected_nanos(std::int64_t rows) const noexcept {
  const Plan* const known = plan_.get();
  const std::vector<double>* const times = times_.get();
  if (known == nullptr || times == nullptr || rows < 0) return 0;
  double nanos = 0;
  for (std::int64_t left = rows; left > 0;) {
    const std::size_t i = known->next(left);
    nanos += (*times)[i];
    left -= variants_[i]->batch_size;
  }
  return static_cast<std::int64_t>(nanos);
}

void Runner::warmup() const {
  if (signature_.has_batch() && signature_.rows_independent) plan();
  if (times_.get() != nullptr) return;
  times_.set(std::make_unique<const std::vector<double>>(measure()));
}

}  // namespace tfnative::internal
