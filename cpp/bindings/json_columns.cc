// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include "json_columns.h"

#include <cstring>

#include "json_text.h"

namespace tfnative::bindings {
namespace {

using Kind = JsonColumn::Kind;

constexpr int kMostNested = 72;  // NumPy has 64 dimensions; and there are objects.
constexpr std::size_t kMostNames = 10'000;
constexpr const char kRagged[] =
    "lists have different lengths, or hold different things";
constexpr const char kOtherNames[] = "objects have different names";
constexpr const char kNoBase64[] = "expected base64";

void spoil(JsonColumn* column, const char* problem) {
  const std::size_t entries = column->entries;
  *column = JsonColumn();
  column->problem = problem;
  column->entries = entries;
}

double as_double(const JsonColumn& column, std::uint64_t bits) {
  if (column.kind == Kind::kUint64) return static_cast<double>(bits);
  return static_cast<double>(static_cast<std::int64_t>(bits));
}

void make_doubles(JsonColumn* column) {
  for (std::uint64_t& bits : column->numbers) {
    const double value = as_double(*column, bits);
    std::memcpy(&bits, &value, sizeof bits);
  }
  column->kind = Kind::kDouble;
}

bool is_number(Kind kind) {
  return kind == Kind::kInt64 || kind == Kind::kUint64 || kind == Kind::kDouble;
}

// The lists and objects of a document: where values go.
class Reader {
 public:
  Reader(std::string_view text, std::string_view spans_of)
      : text_(text), size_(text.size()), spans_of_(spans_of) {}

  JsonDocument read() {
    JsonDocument document;
    if (text_.peek() != '{') text_.fail("expected an object");
    members([&](const std::string& name) {
      for (const auto& known : document.members) {
        if (known.first == name) fail_twice(name);
      }
      if (!spans_of_.empty() && name == spans_of_ && text_.peek() == '[') {
        if (document.has_spans) fail_twice(name);
        document.has_spans = true;
        return read_spans(&document.spans);
      }
      count_name();
      document.members.emplace_back(name, JsonColumn());
      value(&document.members.back().second, 0);
    });
    text_.peek();
    if (text_.position() != size_) text_.fail("there is more than one value");
    return document;
  }

 private:
  // Calls a function for each name of an object; the function reads the value.
  template <typename Member>
  void members(const Member& member) {
    enter();
    text_.expect('{');
    std::string name;
    if (!text_.take('}')) {
      do {
        name.clear();
        text_.peek();
        text_.read_string(&name);
        text_.expect(':');
        member(name);
      } while (text_.take(','));
      text_.expect('}');
    }
    --nested_;
  }

  template <typename Element>
  std::int64_t elements(const Element& element) {
    enter();
    text_.expect('[');
    std::int64_t count = 0;
    if (!text_.take(']')) {
      do {
        element();
        ++count;
      } while (text_.take(','));
      text_.expect(']');
    }
    --nested_;
    return count;
  }

  void read_spans(std::vector<std::int64_t>* spans) {
    elements([&] {
      text_.peek();
      spans->push_back(static_cast<std::int64_t>(text_.position()));
      value(nullptr, 0);
      spans->push_back(static_cast<std::int64_t>(text_.position()));
    });
  }

  // Reads a value into a column; `depth` lists are around it. Without a column, only
  // whether it is JSON.
  void value(JsonColumn* column, std::int64_t depth) {
    if (column != nullptr && column->problem != nullptr) column = nullptr;
    switch (text_.peek()) {
      case '[': {
        const std::int64_t count = elements([&] { value(column, depth + 1); });
        if (column != nullptr) end_list(column, depth, count);
        return;
      }
      case '{': return object(column, depth);
      case '"': {
        if (column == nullptr || !begin_value(column, depth, Kind::kString)) {
          scratch_.clear();
          return text_.read_string(&scratch_);
        }
        text_.read_string(&column->text);
        column->ends.push_back(column->text.size());
        return;
      }
      default: break;
    }
    if (text_.take_word("true")) return number(column, depth, Kind::kBool, 1);
    if (text_.take_word("false")) return number(column, depth, Kind::kBool, 0);
    if (text_.take_word("null")) {
      if (column != nullptr) begin_value(column, depth, Kind::kNull);
      return;
    }
    const JsonNumber found = text_.read_number();
    constexpr Kind kKinds[] = {Kind::kInt64, Kind::kUint64, Kind::kDouble};
    number(column, depth, kKinds[static_cast<int>(found.kind)], found.bits);
  }

  void number(JsonColumn* column, std::int64_t depth, Kind kind, std::uint64_t bits) {
    if (column == nullptr) return;
    const bool is_negative =
        kind == Kind::kInt64 && static_cast<std::int64_t>(bits) < 0;
    if (is_number(kind) && is_number(column->kind) && kind != column->kind) {
      bits = mix(column, kind, bits, is_negative);
      kind = column->kind;
    }
    if (!begin_value(column, depth, kind)) return;
    column->has_negative |= is_negative;
    column->numbers.push_back(bits);
  }

  // Makes one kind of a column and of a number of another kind. Returns its bits.
  static std::uint64_t mix(JsonColumn* column, Kind kind, std::uint64_t bits,
                           bool is_negative) {
    const bool is_whole = kind != Kind::kDouble && column->kind != Kind::kDouble;
    if (is_whole && !column->has_negative && !is_negative) {
      column->kind = Kind::kUint64;
      return bits;
    }
    if (column->kind != Kind::kDouble) make_doubles(column);
    if (kind == Kind::kDouble) return bits;
    JsonColumn one;
    one.kind = kind;
    const double value = as_double(one, bits);
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
  }

  // Whether a value of that kind belongs where it is. If not, the column is spoilt.
  static bool begin_value(JsonColumn* column, std::int64_t depth, Kind kind) {
    if (column->rank < 0) column->rank = depth;
    if (column->kind == Kind::kNothing) column->kind = kind;
    if (column->rank != depth || column->kind != kind ||
        static_cast<std::int64_t>(column->shape.size()) > depth) {
      spoil(column, kRagged);
      return false;
    }
    ++column->values;
    return true;
  }

  static void end_list(JsonColumn* column, std::int64_t depth, std::int64_t count) {
    if (column->problem != nullptr) return;
    const auto place = static_cast<std::size_t>(depth);
    if (column->shape.size() <= place) column->shape.resize(place + 1, -1);
    std::int64_t& size = column->shape[place];
    if (size < 0) size = count;
    if (size != count || (column->rank >= 0 && depth >= column->rank)) {
      spoil(column, kRagged);
    }
  }

  void object(JsonColumn* column, std::int64_t depth) {
    if (take_bytes(column, depth)) return;
    if (column == nullptr || !begin_value(column, depth, Kind::kTable)) {
      return members([&](const std::string&) { value(nullptr, 0); });
    }
    const std::size_t row = column->values;
    std::size_t next = 0, found = 0;
    members([&](const std::string& name) {
      if (column->problem != nullptr) return value(nullptr, 0);
      JsonColumn* const one = member(column, name, &next, row == 1);
      if (one == nullptr) {
        spoil(column, kOtherNames);
        return value(nullptr, 0);
      }
      if (one->entries == row) fail_twice(name);
      ++one->entries;
      ++found;
      value(one, 0);
    });
    if (column->problem == nullptr && found != column->members.size()) {
      spoil(column, kOtherNames);
    }
  }

  // The column of a name: most objects have the same names in the same order.
  JsonColumn* member(JsonColumn* column, const std::string& name, std::size_t* next,
                     bool is_first) {
    if (*next < column->members.size() && column->members[*next].first == name) {
      return &column->members[(*next)++].second;
    }
    const auto known = column->places.find(name);
    if (known != column->places.end()) {
      *next = known->second + 1;
      return &column->members[known->second].second;
    }
    if (!is_first) return nullptr;
    count_name();
    column->places.emplace(name, column->members.size());
    column->members.emplace_back(name, JsonColumn());
    *next = column->members.size();
    return &column->members.back().second;
  }

  // Reads {"b64": "..."}, which is a string, if that is what comes.
  bool take_bytes(JsonColumn* column, std::int64_t depth) {
    const std::size_t begin = text_.position();
    text_.expect('{');
    if (text_.peek() == '"') {
      scratch_.clear();
      text_.read_string(&scratch_);
      if (scratch_ == "b64" && text_.take(':') && text_.peek() == '"') {
        scratch_.clear();
        text_.read_string(&scratch_);
        if (text_.take('}')) {
          put_bytes(column, depth);
          return true;
        }
      }
    }
    text_.go_to(begin);
    return false;
  }

  void put_bytes(JsonColumn* column, std::int64_t depth) {
    if (column == nullptr || !begin_value(column, depth, Kind::kString)) return;
    if (!decode_base64(scratch_, &column->text)) return spoil(column, kNoBase64);
    column->ends.push_back(column->text.size());
  }

  void enter() {
    if (++nested_ > kMostNested) text_.fail("lists and objects are nested too deeply");
  }

  void count_name() {
    if (++names_ > kMostNames) text_.fail("objects have too many different names");
  }

  [[noreturn]] void fail_twice(const std::string& name) const {
    text_.fail("'" + name.substr(0, 100) + "' is there twice");
  }

  JsonText text_;
  const std::size_t size_;
  const std::string_view spans_of_;
  int nested_ = 0;
  std::size_t names_ = 0;
  std::string scratch_;
};

}  // namespace

JsonDocument read_json(std::string_view text, std::string_view spans_of) {
  return Reader(text, spans_of).read();
}

}  // namespace tfnative::bindings
