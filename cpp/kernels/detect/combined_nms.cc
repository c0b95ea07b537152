// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// CombinedNonMaxSuppression. TensorFlow leaves the order of equal scores to the heap
// that it keeps of a class, and to the sort by which it joins classes.
#include <string.h>

#include "detect/overlap.h"
#include "kernels.h"
#include "part.h"
#include "sort/order_of_comparisons.h"

namespace {

using namespace TFN_NAMESPACE;

struct Candidate {
  float score;
  int32_t number;
};

bool is_worse(Candidate a, Candidate b) { return a.score < b.score; }
bool is_better(Candidate a, Candidate b) { return b.score < a.score; }

// One row of the input.
struct Row {
  Row(const tfn_combined_nms& p, const float* rows, int64_t number)
      : boxes(rows + number * TFN_COMBINED_NMS_ROW(p.boxes, p.box_classes, p.classes)),
        scores(boxes + p.boxes * p.box_classes * 4),
        thresholds(scores + p.boxes * p.classes) {}

  const float* box(const tfn_combined_nms& p, int64_t number, int64_t of_class) const {
    const int64_t own = p.box_classes > 1 ? of_class : 0;
    return boxes + (number * p.box_classes + own) * 4;
  }

  const float* const boxes;
  const float* const scores;
  const float* const thresholds;
};

// What only the kernels read of a row of the values: for each class as many scores, and
// numbers of boxes, as are kept; where there are fewer, both are -1. TensorFlow sorts
// these among the others, and so gives some of them where scores may be less.
struct Lists {
  Lists(const tfn_combined_nms& p, float* values, int64_t number)
      : row(values + number * TFN_COMBINED_NMS_VALUES(p.classes, p.per_class, p.size)),
        scores(row + 6 * p.size),
        numbers(scores + p.classes * p.per_class) {}

  float* const row;
  float* const scores;
  float* const numbers;  // The bits of integers.
};

// The classes that are looked at together, which lie side by side in memory.
class Block {
 public:
  Block(const tfn_combined_nms& p, int64_t first, void* scratch)
      : p_(p),
        first_(first),
        count_(TFN_LEAST_(p.classes - first, TFN_NMS_CLASSES)),
        heaps_((Candidate*)scratch),
        kept_((float*)(heaps_ + TFN_LEAST_(p.classes, TFN_NMS_CLASSES) * p.boxes)) {}

  void suppress(const Row& row, const Lists& lists) {
    collect(row);
    for (int64_t c = 0; c < count_; ++c) select(row, lists, c);
  }

 private:
  // Heaps of what is better than the threshold, in the order of the boxes.
  void collect(const Row& row) {
    const float threshold = row.thresholds[1];
    for (int64_t c = 0; c < count_; ++c) sizes_[c] = 0;
    for (int64_t i = 0; i < p_.boxes; ++i) {
      const float* const scores = row.scores + i * p_.classes + first_;
      int any = 0;
      for (int64_t c = 0; c < count_; ++c) any |= scores[c] > threshold;
      if (!any) continue;
      for (int64_t c = 0; c < count_; ++c) {
        if (!(scores[c] > threshold)) continue;
        Candidate* const heap = heaps_ + c * p_.boxes;
        heap[sizes_[c]] = {scores[c], (int32_t)i};
        push_heap(heap, ++sizes_[c], is_worse);
      }
    }
  }

  void select(const Row& row, const Lists& lists, int64_t c) {
    Candidate* const heap = heaps_ + c * p_.boxes;
    float* const scores = lists.scores + (first_ + c) * p_.per_class;
    float* const numbers = lists.numbers + (first_ + c) * p_.per_class;
    kept_.clear();
    for (int64_t left = sizes_[c]; left > 0 && kept_.size() < p_.per_class; --left) {
      pop_heap(heap, left, is_worse);
      const Candidate best = heap[left - 1];
      const Box box = read_box(row.box(p_, best.number, first_ + c));
      if (suppresses(box, row.thresholds[0])) continue;
      scores[kept_.size()] = best.score;
      memcpy(numbers + kept_.size(), &best.number, sizeof best.number);
      kept_.add(box);
    }
    const int32_t none = -1;
    for (int64_t i = kept_.size(); i < p_.per_class; ++i) {
      scores[i] = -1.0f;
      memcpy(numbers + i, &none, sizeof none);
    }
  }

  // An overlap that is no number suppresses nothing, and hides none that does.
  bool suppresses(const Box& box, float threshold) const {
    const Kept::Answer answer = kept_.overlaps(box, threshold);
    if (answer != Kept::kOdd) return answer == Kept::kSome;
    for (int64_t i = 0; i < kept_.size(); ++i) {
      if (kept_.overlap(box, i) > threshold) return true;
    }
    return false;
  }

  const tfn_combined_nms& p_;
  const int64_t first_, count_;
  Candidate* const heaps_;
  Kept kept_;
  int64_t sizes_[TFN_NMS_CLASSES];
};

float clipped(float x) { return most_of(least_of(flushed(x), 1.0f), 0.0f); }

// Puts the best of all classes into the values; returns how many there are.
int32_t join(const tfn_combined_nms& p, const Row& row, const Lists& lists,
             Candidate* order) {
  const int64_t lists_size = p.classes * p.per_class;
  int64_t found = 0;
  for (int64_t i = 0; i < lists_size; ++i) {
    order[i] = {lists.scores[i], (int32_t)i};
    int32_t number;
    memcpy(&number, lists.numbers + i, sizeof number);
    found += number >= 0;
  }
  sort_by_comparisons(order, lists_size, is_better);
  if (found > p.size) found = p.size;
  float* const boxes = lists.row;
  float* const scores = boxes + 4 * p.size;
  float* const classes = scores + p.size;
  memset(boxes, 0, (size_t)p.size * 6 * sizeof *boxes);
  for (int64_t i = 0; i < found; ++i) {
    const int64_t of_class = order[i].number / p.per_class;
    int32_t number;
    memcpy(&number, lists.numbers + order[i].number, sizeof number);
    scores[i] = order[i].score;
    classes[i] = number < 0 ? -1.0f : (float)of_class;
    if (number < 0) continue;
    const float* const box = row.box(p, number, of_class);
    for (int c = 0; c < 4; ++c) boxes[4 * i + c] = p.clip ? clipped(box[c]) : box[c];
  }
  return (int32_t)found;
}

}  // namespace

void TFN_KERNEL(suppress_by_class_f32)(const void* params, const tfn_operands* operands,
                                       tfn_part part) {
  const tfn_combined_nms& p = *(const tfn_combined_nms*)params;
  const int64_t blocks = (p.classes + TFN_NMS_CLASSES - 1) / TFN_NMS_CLASSES;
  const Range range = share(p.batch * blocks, 1, part);
  for (int64_t i = range.begin; i < range.end; ++i) {
    Block block(p, i % blocks * TFN_NMS_CLASSES, operands->scratch);
    block.suppress(Row(p, operands->lhs, i / blocks),
                   Lists(p, operands->out, i / blocks));
  }
}

void TFN_KERNEL(join_classes_f32)(const tfn_combined_nms* p, const float* rows,
                                  float* values, int32_t* counts, void* scratch) {
  for (int64_t b = 0; b < p->batch; ++b) {
    counts[b] = join(*p, Row(*p, rows, b), Lists(*p, values, b), (Candidate*)scratch);
  }
}
