// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "check_failure.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"

namespace tfnative::internal {

struct CheckError::Facts {
  FailedRun run;
  std::string node, op, message;
  std::vector<std::int64_t> coordinates;  // Of the bad element, in the batch.
  std::int64_t row_dimension = -1;        // Which of them counts rows; -1: none does.
  std::int64_t per_row = 1;               // By how much, for each row.
  std::vector<std::int64_t> values;
};

namespace {

// As TensorFlow prints numbers: with as many digits as any number of their type keeps,
// or, if these are not enough to read it again, with as many as are. What a float32 can
// be is taken for one: that is what models mostly have.
std::string float_text(std::int64_t bits) {
  double value = 0;
  std::memcpy(&value, &bits, sizeof value);
  if (std::isnan(value)) return "nan";  // Of either sign, which printf would show.
  const bool is_single =
      std::isinf(value) || (std::fabs(value) <= FLT_MAX &&
                            static_cast<double>(static_cast<float>(value)) == value);
  char text[32];
  std::snprintf(text, sizeof text, "%.*g", is_single ? FLT_DIG : DBL_DIG, value);
  const bool is_exact = is_single ? std::strtof(text, nullptr) == value
                                  : std::strtod(text, nullptr) == value;
  if (!is_exact) {
    std::snprintf(text, sizeof text, "%.*g", is_single ? FLT_DIG + 3 : DBL_DIG + 2,
                  value);
  }
  return text;
}

std::string coordinates_text(const std::vector<std::int64_t>& coordinates) {
  std::string text;
  for (const std::int64_t coordinate : coordinates) {
    text += (text.empty() ? "" : ",") + std::to_string(coordinate);
  }
  return text;
}

// Writes out the places for numbers of a tfn_check's message.
class Message {
 public:
  Message(std::string_view pattern, const std::vector<std::int64_t>& coordinates,
          const std::vector<std::int64_t>& values)
      : rest_(pattern), coordinates_(coordinates), values_(values) {}

  // False if the message is not one that abi.h allows.
  bool write(std::string& text) {
    while (!rest_.empty()) {
      const std::size_t plain = std::min(rest_.find_first_of("{}"), rest_.size());
      text += rest_.substr(0, plain);
      rest_.remove_prefix(plain);
      if (!rest_.empty() && !write_place(text)) return false;
    }
    return true;
  }

 private:
  bool write_place(std::string& text) {
    if (rest_.size() >= 2 && rest_[0] == rest_[1]) {
      text += rest_[0];
      rest_.remove_prefix(2);
      return true;
    }
    const std::size_t end = rest_.find('}');
    if (rest_[0] != '{' || end == std::string_view::npos) return false;
    const std::string_view place = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    if (place == "@") {
      text += coordinates_text(coordinates_);
      return true;
    }
    if (place.size() != 2 || place[1] < '0' || place[1] > '9') return false;
    const auto number = static_cast<std::size_t>(place[1] - '0');
    return number < values_.size() && write_value(place[0], values_[number], text);
  }

  static bool write_value(char kind, std::int64_t value, std::string& text) {
    switch (kind) {
      case 'i': text += std::to_string(value); return true;
      case 'f': text += float_text(value); return true;
      case 'b': text += value != 0 ? "true" : "false"; return true;
      default: return false;
    }
  }

  std::string_view rest_;
  const std::vector<std::int64_t>& coordinates_;
  const std::vector<std::int64_t>& values_;
};

[[noreturn]] void fail(const FailedRun& run, const std::string& problem) {
  throw Error(Code::kInternal,
              run.where + ": a check of the compiled code failed, but " + problem);
}

// Where an element of a tensor is. Empty, with a rank that is not 0, if it is outside.
std::vector<std::int64_t> coordinates_of(std::int64_t position, const tfn_check& check,
                                         std::int64_t batch_size) {
  std::vector<std::int64_t> coordinates(static_cast<std::size_t>(check.rank));
  for (std::size_t d = coordinates.size(); d-- > 0;) {
    const std::int64_t size = check.shape[d];
    const std::int64_t here = size < 0 ? -size * batch_size : size;
    if (here <= 0) return {};
    coordinates[d] = position % here;
    position /= here;
  }
  return position == 0 ? coordinates : std::vector<std::int64_t>();
}

}  // namespace

CheckError::Facts CheckError::read(FailedRun run, Span<const tfn_check> checks,
                                   const tfn_failure& failure) {
  const auto number = static_cast<std::size_t>(failure.check);
  if (failure.check < 0 || number >= checks.size()) {
    fail(run, "there is no check " + std::to_string(failure.check));
  }
  const tfn_check& check = checks[number];
  if (failure.value_count != check.value_count || failure.value_count < 0 ||
      failure.value_count > TFN_MAX_CHECK_VALUES) {
    fail(run, "node " + quoted(check.node) + " has no such number of values");
  }
  Facts facts;
  facts.coordinates = coordinates_of(failure.position, check, run.batch_size);
  const bool outside =
      failure.position < 0 ||
      (check.rank == 0 ? failure.position != 0 : facts.coordinates.empty());
  if (outside) {
    fail(run, "node " + quoted(check.node) + " has no element " +
                  std::to_string(failure.position));
  }
  for (std::int32_t d = check.rank; d-- > 0;) {
    if (check.shape[d] >= 0) continue;
    facts.row_dimension = d;
    facts.per_row = -check.shape[d];
  }
  facts.run = std::move(run);
  facts.node = check.node;
  facts.op = check.op;
  facts.message = check.message;
  facts.values.assign(failure.values, failure.values + failure.value_count);
  return facts;
}

std::string CheckError::text(const Facts& facts) {
  std::vector<std::int64_t> coordinates = facts.coordinates;
  std::string row;
  if (facts.row_dimension >= 0) {
    std::int64_t& counted = coordinates[static_cast<std::size_t>(facts.row_dimension)];
    counted += facts.run.first_row * facts.per_row;
    row = ", row " + std::to_string(counted / facts.per_row);
  }
  std::string text = facts.run.where + ": ";
  if (!Message(facts.message, coordinates, facts.values).write(text)) {
    fail(facts.run, "the message of node " + quoted(facts.node) + " is not one");
  }
  return text + " (node " + quoted(facts.node) + ", " + facts.op + row + ")";
}

CheckError::CheckError(FailedRun run, Span<const tfn_check> checks,
                       const tfn_failure& failure)
    : CheckError(std::make_shared<const Facts>(read(std::move(run), checks, failure))) {
}

CheckError::CheckError(std::shared_ptr<const Facts> facts)
    : Error(Code::kInvalidArgument, text(*facts)), facts_(std::move(facts)) {}

CheckError CheckError::after(std::int64_t rows) const {
  auto moved = std::make_shared<Facts>(*facts_);
  moved->run.first_row += rows;
  return CheckError(std::shared_ptr<const Facts>(std::move(moved)));
}

}  // namespace tfnative::internal
