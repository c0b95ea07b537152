// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <queue>

#include "reference.h"

namespace tfnative::testing {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Corners and scores of few different numbers, so that many are equal.
float draw(std::mt19937& engine, int steps) {
  const int number = static_cast<int>(engine() % static_cast<unsigned>(steps + 1));
  return static_cast<float>(number) / static_cast<float>(steps);
}

float overlap(const float* a, const float* b) {
  const auto low = [](const float* box, int i) { return std::min(box[i], box[i + 2]); };
  const auto high = [](const float* box, int i) {
    return std::max(box[i], box[i + 2]);
  };
  float areas[2], shared = 1;
  for (int n = 0; n < 2; ++n) {
    const float* const box = n == 0 ? a : b;
    areas[n] = (high(box, 0) - low(box, 0)) * (high(box, 1) - low(box, 1));
    if (areas[n] <= 0) return 0;
  }
  for (int i = 0; i < 2; ++i) {
    const float least = std::max(low(a, i), low(b, i));
    shared *= std::max(std::min(high(a, i), high(b, i)) - least, 0.0f);
  }
  return shared / (areas[0] + areas[1] - shared);
}

// Numbers of the boxes that are kept, by the definition: each of the candidates, in the
// order in which they come out of `next`, unless one that was kept suppresses it.
template <typename Next>
std::vector<int> keep(const float* boxes, std::int64_t stride, float most,
                      std::int64_t size, Next next) {
  std::vector<int> kept;
  for (int number = next(); number >= 0 && static_cast<int>(kept.size()) < size;
       number = next()) {
    const float* const box = boxes + number * stride;
    if (std::none_of(kept.begin(), kept.end(), [&](int other) {
          return overlap(box, boxes + other * stride) > most;
        })) {
      kept.push_back(number);
    }
  }
  return kept;
}

TEST(Nms, KeepsTheBestThatNoBetterOneSuppresses) {
  std::mt19937 engine(1);
  for (std::int64_t count : {0, 1, 5, 16, 17, 60}) {
    for (std::int64_t size : {0, 1, 4, 16, 33, 80}) {
      const tfn_nms p = {count, size};
      Aligned<float> input(5 * count + 3);
      for (std::int64_t i = 0; i < 4 * count; ++i) input[i] = draw(engine, 6);
      for (std::int64_t i = 4 * count; i < 5 * count; ++i) input[i] = draw(engine, 9);
      const float* const scores = input.data() + 4 * count;
      input[5 * count] = 0.5f;
      input[5 * count + 1] = 0.2f;
      input[5 * count + 2] = 0.0f;
      std::vector<int> order;
      for (int i = 0; i < count; ++i) {
        if (scores[i] > 0.2f) order.push_back(i);
      }
      std::stable_sort(order.begin(), order.end(),
                       [&](int a, int b) { return scores[a] > scores[b]; });
      std::size_t at = 0;
      const std::vector<int> wanted = keep(input.data(), 4, 0.5f, size, [&] {
        return at < order.size() ? order[at++] : -1;
      });
      Aligned<float> out(size);
      Aligned<std::int32_t> found(size + 1);
      Aligned<char> scratch(TFN_NMS_SCRATCH_BYTES(count, size));
      TFN_KERNEL(nms_f32)(&p, input.data(), out.data(), found.data(), expf,
                          scratch.data());
      ASSERT_EQ(found[0], static_cast<int>(wanted.size()));
      for (std::int64_t i = 0; i < size; ++i) {
        const bool is_there = i < found[0];
        const auto place = static_cast<std::size_t>(i);
        EXPECT_EQ(found[1 + i], is_there ? wanted[place] : 0);
        EXPECT_EQ(out[i], is_there ? scores[wanted[place]] : 0.0f);
      }
    }
  }
}

TEST(Nms, LetsScoresFallWithSigma) {
  // The second box is the first one; the third is apart.
  const float input[] = {0, 0, 1, 1, 1,    1,    0,    0,    0,
                         2, 1, 3, 1, 0.9f, 0.5f, 0.5f, 0.1f, 0.5f};
  const tfn_nms p = {3, 4};
  float scores[4];
  std::int32_t found[5];
  Aligned<char> scratch(TFN_NMS_SCRATCH_BYTES(3, 4));
  TFN_KERNEL(nms_f32)(&p, input, scores, found, expf, scratch.data());
  const std::int32_t wanted[] = {3, 0, 2, 1, 0};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(found[i], wanted[i]) << i;
  EXPECT_EQ(scores[0], 1.0f);
  EXPECT_EQ(scores[1], 0.5f);
  EXPECT_FLOAT_EQ(scores[2], 0.9f * std::exp(-1.0f));
  EXPECT_EQ(scores[3], 0.0f);
}

TEST(Nms, TakesAnOverlapThatIsNoNumberForOneThatLeavesNothing) {
  // TensorFlow multiplies the second score with 0, which is more than the threshold.
  const float input[] = {kNan, 0, 1, 1, kNan, 0, 1, 1, 1, 0.5f, 0.5f, -1, 0};
  const tfn_nms p = {2, 2};
  float scores[2];
  std::int32_t found[3];
  Aligned<char> scratch(TFN_NMS_SCRATCH_BYTES(2, 2));
  TFN_KERNEL(nms_f32)(&p, input, scores, found, expf, scratch.data());
  EXPECT_EQ(found[0], 2);
  EXPECT_EQ(found[1], 0);
  EXPECT_EQ(found[2], 1);
  EXPECT_EQ(scores[1], 0.0f);
}

struct Candidate {
  float score;
  int number;
};

struct IsWorse {
  bool operator()(const Candidate& a, const Candidate& b) const {
    return a.score < b.score;
  }
};

// One row by the definition, with the queue and the sort of the C++ library that
// TensorFlow uses: where scores are equal, they decide.
void combine(const tfn_combined_nms& p, const float* row, std::vector<float>& boxes,
             std::vector<float>& scores, std::vector<float>& classes, int& count) {
  const float* const given = row + p.boxes * p.box_classes * 4;
  const float* const thresholds = given + p.boxes * p.classes;
  struct Result {
    float score;
    int number, of_class;
  };
  std::vector<Result> all(static_cast<std::size_t>(p.classes * p.per_class),
                          {-1, -1, -1});
  int found = 0;
  for (int c = 0; c < p.classes; ++c) {
    std::priority_queue<Candidate, std::vector<Candidate>, IsWorse> queue;
    for (int i = 0; i < p.boxes; ++i) {
      const float score = given[i * p.classes + c];
      if (score > thresholds[1]) queue.push({score, i});
    }
    const float* const own = row + (p.box_classes > 1 ? 4 * c : 0);
    const std::vector<int> kept =
        keep(own, 4 * p.box_classes, thresholds[0], p.per_class, [&] {
          const int number = queue.empty() ? -1 : queue.top().number;
          if (number >= 0) queue.pop();
          return number;
        });
    for (std::size_t i = 0; i < kept.size(); ++i, ++found) {
      all[static_cast<std::size_t>(c * p.per_class) + i] = {
          given[kept[i] * p.classes + c], kept[i], c};
    }
  }
  std::sort(all.begin(), all.end(),
            [](const Result& a, const Result& b) { return a.score > b.score; });
  count = std::min(found, static_cast<int>(p.size));
  for (int i = 0; i < p.size; ++i) {
    const Result none = {0, -1, 0};
    const Result& one = i < count ? all[static_cast<std::size_t>(i)] : none;
    scores.push_back(one.score);
    classes.push_back(static_cast<float>(one.of_class));
    for (int corner = 0; corner < 4; ++corner) {
      const std::int64_t own = p.box_classes > 1 ? one.of_class : 0;
      boxes.push_back(
          one.number < 0 ? 0 : row[(one.number * p.box_classes + own) * 4 + corner]);
    }
  }
}

void check_combined(const tfn_combined_nms& p, std::mt19937& engine, int parts) {
  const std::int64_t width = TFN_COMBINED_NMS_ROW(p.boxes, p.box_classes, p.classes);
  const std::int64_t out_width =
      TFN_COMBINED_NMS_VALUES(p.classes, p.per_class, p.size);
  Aligned<float> rows(p.batch * width), values(p.batch * out_width);
  for (std::int64_t i = 0; i < rows.size(); ++i) rows[i] = draw(engine, 7);
  for (std::int64_t b = 1; b <= p.batch; ++b) {
    rows[b * width - 2] = 0.4f;
    rows[b * width - 1] = 0.3f;
  }
  Aligned<std::int32_t> counts(p.batch);
  Aligned<char> scratch(
      TFN_COMBINED_NMS_SCRATCH_BYTES(p.boxes, p.classes, p.per_class));
  tfn_operands operands = {};
  operands.lhs = rows.data();
  operands.out = values.data();
  operands.scratch = scratch.data();
  for (std::int32_t part = 0; part < parts; ++part) {
    TFN_KERNEL(suppress_by_class_f32)(&p, &operands, {part, parts});
  }
  TFN_KERNEL(join_classes_f32)
  (&p, rows.data(), values.data(), counts.data(), scratch.data());
  for (std::int64_t b = 0; b < p.batch; ++b) {
    std::vector<float> boxes, scores, classes;
    int count = 0;
    combine(p, rows.data() + b * width, boxes, scores, classes, count);
    EXPECT_EQ(counts[b], count);
    const float* const row = values.data() + b * out_width;
    for (std::int64_t i = 0; i < 4 * p.size; ++i) {
      ASSERT_EQ(row[i], boxes[static_cast<std::size_t>(i)]) << i;
    }
    for (std::int64_t i = 0; i < p.size; ++i) {
      const auto place = static_cast<std::size_t>(i);
      ASSERT_EQ(row[4 * p.size + i], scores[place]) << i;
      ASSERT_EQ(row[5 * p.size + i], classes[place]) << i;
    }
  }
}

TEST(CombinedNms, GivesWhatTheDefinitionGives) {
  std::mt19937 engine(2);
  for (std::int64_t boxes : {0, 1, 7, 40}) {
    for (std::int64_t classes : {0, 1, 5, 16, 35}) {
      for (std::int64_t own : {0, 1}) {
        for (std::int64_t size : {1, 10, 300}) {
          const std::int64_t per_class = std::min<std::int64_t>(boxes, size);
          const tfn_combined_nms p = {
              2, boxes, own != 0 ? classes : 1, classes, per_class, size, 0};
          check_combined(p, engine, 1);
          check_combined(p, engine, 3);
        }
      }
    }
  }
}

TEST(CombinedNms, ClipsBoxesThatAreFound) {
  const tfn_combined_nms p = {1, 1, 1, 1, 1, 1, 1};
  const float row[] = {-0.5f, 0.25f, 1.5f, kNan, 0.5f, 0.5f, 0.0f};
  float values[TFN_COMBINED_NMS_VALUES(1, 1, 1)];
  std::int32_t count = 0;
  Aligned<char> scratch(TFN_COMBINED_NMS_SCRATCH_BYTES(1, 1, 1));
  tfn_operands operands = {};
  operands.lhs = row;
  operands.out = values;
  operands.scratch = scratch.data();
  TFN_KERNEL(suppress_by_class_f32)(&p, &operands, {0, 1});
  TFN_KERNEL(join_classes_f32)(&p, row, values, &count, scratch.data());
  EXPECT_EQ(count, 1);
  EXPECT_EQ(values[0], 0.0f);
  EXPECT_EQ(values[1], 0.25f);
  EXPECT_EQ(values[2], 1.0f);
  EXPECT_TRUE(std::isnan(values[3]));
  EXPECT_EQ(values[4], 0.5f);
}

}  // namespace
}  // namespace tfnative::testing
