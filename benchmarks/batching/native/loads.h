// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Ways to keep a batcher busy. Each lasts for some seconds, and until the last answer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "subject.h"
#include "tfnative/batcher.hpp"

namespace bench {

// What one load came to.
struct Round {
  std::int64_t rows = 0;
  double seconds = 0;                 // From the start to the last answer.
  double cpu_seconds = 0;             // Of all threads of this process.
  std::vector<double> micros;         // Of each request, from its start to its answer.
  std::vector<double> queued_micros;  // From its arrival to its run; open_load only.
  std::int64_t rejected = 0;          // Requests that found the queue full.
  double rows_per_batch = 0;          // On average.
};

// The function itself, without a batcher: threads that each run full batches.
Round model_load(const Subject& subject, int threads, std::int64_t batch_size,
                 double seconds);

// Threads that each ask for a row, and again when they have got it.
Round blocking_load(const Subject& subject, tfnative::Batcher& batcher, int callers,
                    double seconds);

// No batcher: threads that sleep until so many have come, and are woken by the last.
// What the system takes for the threads of `blocking_load` to wait for each other.
Round meeting_load(int threads, std::int64_t group, double seconds);

// One thread that keeps so many requests on their way, with callbacks.
Round submit_load(const Subject& subject, tfnative::Batcher& batcher, int outstanding,
                  double seconds);

// One thread that submits rows at random moments, so many per second on average
// (a Poisson process), however long the answers take. Latencies begin at these moments,
// even if the thread is late.
Round open_load(const Subject& subject, tfnative::Batcher& batcher,
                double rows_per_second, double seconds);

// All rows at once, each from a thread of its own. Throws std::runtime_error if an
// answer is wrong.
void check_answers(const Subject& subject, tfnative::Batcher& batcher);

// One line of JSON.
std::string as_json(Round round);

}  // namespace bench
