// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// bench_batching MAX_BATCH_SIZE BATCH_TIMEOUT_MICROS NUM_BATCH_THREADS
//                [ARTIFACT INPUTS OUTPUTS]
//
// Batches a compiled model, or else a function that does next to nothing; checks its
// answers, prints "result: {}", and then for each line of standard input the result of
// a load:
//
//   model THREADS SECONDS       full batches, without a batcher
//   blocking CALLERS SECONDS    threads in a closed loop
//   submit REQUESTS SECONDS     one thread with so many requests on their way
//   open ROWS SECONDS           so many per second, at random moments
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "loads.h"

namespace bench {
namespace {

constexpr std::int64_t kRows = 64;

double quantile(std::vector<double>& values, double q) {
  if (values.empty()) return 0;
  const auto rank = values.begin() + static_cast<std::ptrdiff_t>(
                                         q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), rank, values.end());
  return *rank;
}

Round run(const Subject& subject, tfnative::Batcher& batcher, const std::string& line) {
  std::istringstream words(line);
  std::string load;
  double amount = 0, seconds = 0;
  words >> load >> amount >> seconds;
  const int count = static_cast<int>(amount);
  if (!words.fail() && load == "model") {
    return model_load(subject, count, batcher.options().max_batch_size, seconds);
  }
  if (!words.fail() && load == "blocking") {
    return blocking_load(subject, batcher, count, seconds);
  }
  if (!words.fail() && load == "meeting") {
    return meeting_load(count, batcher.options().max_batch_size, seconds);
  }
  if (!words.fail() && load == "submit") {
    return submit_load(subject, batcher, count, seconds);
  }
  if (!words.fail() && load == "open") {
    return open_load(subject, batcher, amount, seconds);
  }
  throw std::runtime_error("unknown load: " + line);
}

// Likewise, and says how large batches were.
Round run_and_count(const Subject& subject, tfnative::Batcher& batcher,
                    const std::string& line) {
  const tfnative::Histogram before = batcher.metrics().processed_batch_size;
  Round round = run(subject, batcher, line);
  const tfnative::Histogram after = batcher.metrics().processed_batch_size;
  const auto batches = static_cast<double>(after.count() - before.count());
  if (batches > 0) round.rows_per_batch = (after.sum - before.sum) / batches;
  return round;
}

void serve(const Subject& subject, char** options) {
  tfnative::BatchOptions batching;
  batching.max_batch_size = std::atoll(options[0]);
  batching.batch_timeout_micros = std::atoll(options[1]);
  tfnative::BatchThreadOptions threads;
  threads.num_batch_threads = std::atoi(options[2]);
  tfnative::Batcher batcher(subject.function(), batching,
                            tfnative::BatchScheduler(threads));
  check_answers(subject, batcher);
  std::cout << "result: {}" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << "result: " << as_json(run_and_count(subject, batcher, line))
              << std::endl;
  }
}

}  // namespace

std::string as_json(Round round) {
  std::ostringstream json;
  json << R"({"rows": )" << round.rows << R"(, "seconds": )" << round.seconds
       << R"(, "cpu_seconds": )" << round.cpu_seconds << R"(, "p50_micros": )"
       << quantile(round.micros, 0.5) << R"(, "p99_micros": )"
       << quantile(round.micros, 0.99) << R"(, "queued_p99_micros": )"
       << quantile(round.queued_micros, 0.99) << R"(, "rejected": )" << round.rejected
       << R"(, "rows_per_batch": )" << round.rows_per_batch << "}";
  return json.str();
}

}  // namespace bench

int main(int argc, char** argv) {
  if (argc != 4 && argc != 7) return 2;
  try {
    bench::serve(argc == 4 ? bench::Subject::nothing(bench::kRows)
                           : bench::Subject::model(argv[4], argv[5], argv[6]),
                 argv + 1);
  } catch (const std::exception& error) {
    std::cerr << error.what() << std::endl;
    return 1;
  }
  return 0;
}
