// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Snapshots as numbers, and as Prometheus's text format
// (https://prometheus.io/docs/instrumenting/exposition_formats).
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "tfnative/batch_metrics.hpp"

namespace tfnative {
namespace {

// Counts are written out; bounds like 172.79999999999998 are rounded.
std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value == std::floor(value) ? "%.0f" : "%.9g", value);
  return text;
}

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\' || c == '"') result += '\\';
    if (c == '\n') {
      result += "\\n";
    } else {
      result += c;
    }
  }
  return result;
}

class PrometheusText {
 public:
  explicit PrometheusText(const std::string& model)
      : model_("model_name=\"" + escaped(model) + "\"") {}

  void begin(const std::string& name, const char* type, const char* help) {
    name_ = name;
    text_ += "# HELP " + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
  }

  void value(double value, const std::string& label = "") { line("", label, value); }

  void histogram(const Histogram& histogram, const std::string& label = "") {
    const std::string comma = label.empty() ? "" : label + ",";
    double below = 0;
    for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
      below += static_cast<double>(histogram.counts[i]);
      const bool is_last = i == histogram.bounds.size();
      line("_bucket",
           comma + "le=\"" + (is_last ? "+Inf" : number(histogram.bounds[i])) + "\"",
           below);
    }
    line("_sum", label, histogram.sum);
    line("_count", label, below);
  }

  std::string take() { return std::move(text_); }

 private:
  void line(const char* suffix, const std::string& label, double value) {
    text_ += name_ + suffix + "{" + model_ + (label.empty() ? "" : "," + label) + "} " +
             number(value) + "\n";
  }

  const std::string model_;
  std::string name_, text_;
};

constexpr const char* kServing = ":tensorflow:serving:batching_session:";
constexpr const char* kOurs = "tfnative_batcher_";

}  // namespace

std::uint64_t Histogram::count() const {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

double Histogram::mean() const {
  const std::uint64_t all = count();
  return all == 0 ? 0 : sum / static_cast<double>(all);
}

double Histogram::quantile(double q) const {
  const auto wanted = q * static_cast<double>(count());
  double below = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto here = static_cast<double>(counts[i]);
    if (here > 0 && below + here >= wanted) {
      const double low = i == 0 ? 0 : bounds[i - 1];
      if (i == bounds.size()) return low;
      return low + (bounds[i] - low) * std::clamp((wanted - below) / here, 0.0, 1.0);
    }
    below += here;
  }
  return 0;
}

std::string BatchMetrics::to_prometheus(const std::string& model,
                                        const std::string& thread_pool_name) const {
  const std::string serving = kServing, ours = kOurs;
  PrometheusText text(model);
  text.begin(serving + "wrapped_run_count", "counter", "Batches that were run.");
  text.value(static_cast<double>(wrapped_run_count));
  text.begin(serving + "queuing_latency", "histogram",
             "Microseconds that a request waited before its run.");
  text.histogram(queuing_latency,
                 "thread_pool_name=\"" + escaped(thread_pool_name) + "\"");
  text.begin(serving + "input_batch_size", "histogram", "Rows of a request.");
  text.histogram(input_batch_size);
  text.begin(serving + "processed_batch_size", "histogram",
             "Rows of a batch, padding included.");
  text.histogram(processed_batch_size);
  text.begin(serving + "padding_size", "histogram",
             "Rows that fill a batch up to an allowed size.");
  for (const auto& [size, padding] : padding_size) {
    text.histogram(padding, "execution_batch_size=\"" + std::to_string(size) + "\"");
  }
  text.begin(ours + "request_count", "counter", "Requests that came.");
  text.value(static_cast<double>(request_count));
  text.begin(ours + "divided_batch_count", "counter",
             "Batches whose requests were run one by one, since one was at fault.");
  text.value(static_cast<double>(divided_batch_count));
  text.begin(ours + "errors", "counter", "Requests that got an error, by its code.");
  for (const auto& [code, count] : errors) {
    text.value(static_cast<double>(count),
               std::string("code=\"") + code_name(code) + "\"");
  }
  text.begin(ours + "request_latency", "histogram",
             "Microseconds from the arrival of a request to its answer.");
  text.histogram(request_latency);
  text.begin(ours + "run_latency", "histogram", "Microseconds that a batch took.");
  text.histogram(run_latency);
  const auto gauge = [&](const char* name, std::int64_t value, const char* help) {
    text.begin(ours + name, "gauge", help);
    text.value(static_cast<double>(value));
  };
  gauge("queued_requests", queued_requests, "Requests that wait.");
  gauge("queued_rows", queued_rows, "Rows that wait.");
  gauge("enqueued_batches", enqueued_batches, "Batches that wait.");
  gauge("running_batches", running_batches, "Batches that are being run.");
  gauge("batch_timeout_micros", batch_timeout_micros,
        "How long the first request of a batch waits for others.");
  return text.take();
}

}  // namespace tfnative
