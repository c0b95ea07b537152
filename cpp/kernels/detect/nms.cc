// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// NonMaxSuppressionV4 and V5. The best candidate is kept if nothing that was kept
// before suppresses it; with sigma, its score falls with each, and it may have to wait
// for a turn that is as good.
#include <string.h>

#include "detect/overlap.h"
#include "kernels.h"
#include "sort/order_of_comparisons.h"

namespace {

using namespace TFN_NAMESPACE;

struct Candidate {
  float score;
  int32_t number;
  int64_t compared;  // With how many of those that were kept.
};

// Of equal scores, the one whose number is less is better.
bool is_worse(Candidate a, Candidate b) {
  return (a.score == b.score && a.number > b.number) || a.score < b.score;
}

class Suppression {
 public:
  Suppression(const float* thresholds, float (*exponential)(float), float* memory)
      : most_(thresholds[0]),
        least_score_(thresholds[1]),
        is_soft_(thresholds[2] > 0.0f),
        scale_(is_soft_ ? -0.5f / thresholds[2] : 0.0f),
        exponential_(exponential),
        kept_(memory) {}

  enum Fate { kKept, kWaits, kDropped };

  bool is_good(float score) const { return score > least_score_; }

  int64_t size() const { return kept_.size(); }

  Fate judge(Candidate& candidate, const float* corners) {
    const Box box = read_box(corners);
    if (!is_soft_ && candidate.compared == 0) {
      const Kept::Answer answer = kept_.overlaps(box, most_);
      if (answer == Kept::kSome) return kDropped;
      if (answer == Kept::kNone) {
        if (kept_.size() > 0) candidate.score = flushed(candidate.score);
        kept_.add(box);
        return kKept;
      }
    }
    const float before = candidate.score;
    const bool is_dropped = !compare(candidate, box);
    candidate.compared = kept_.size();
    if (is_dropped) return kDropped;
    if (candidate.score == before) {
      kept_.add(box);
      return kKept;
    }
    return is_good(candidate.score) ? kWaits : kDropped;
  }

 private:
  // From the last one on, until the candidate is out of question.
  bool compare(Candidate& candidate, const Box& box) const {
    for (int64_t i = kept_.size() - 1; i >= candidate.compared; --i) {
      const float overlap = kept_.overlap(box, i);
      candidate.score *= weight(overlap);
      if (!is_soft_ && overlap > most_) return false;
      if (candidate.score <= least_score_) break;
    }
    return true;
  }

  float weight(float overlap) const {
    if (!is_soft_ && !(overlap <= most_)) return 0.0f;
    return exponential_(scale_ * overlap * overlap);
  }

  const float most_, least_score_;
  const bool is_soft_;
  const float scale_;
  float (*const exponential_)(float);
  Kept kept_;
};

}  // namespace

void TFN_KERNEL(nms_f32)(const tfn_nms* p, const float* input, float* scores,
                         int32_t* found, float (*exponential)(float), void* scratch) {
  const float* const given = input + p->boxes * 4;
  Candidate* const heap = (Candidate*)scratch;
  Suppression suppression(given + p->boxes, exponential, (float*)(heap + p->boxes));
  int64_t left = 0;
  for (int64_t i = 0; i < p->boxes; ++i) {
    if (suppression.is_good(given[i])) heap[left++] = {given[i], (int32_t)i, 0};
  }
  make_heap(heap, left, is_worse);
  memset(scores, 0, (size_t)p->size * sizeof *scores);
  memset(found, 0, (size_t)(p->size + 1) * sizeof *found);
  while (left > 0 && suppression.size() < p->size) {
    pop_heap(heap, left, is_worse);
    Candidate& best = heap[--left];
    const int64_t place = suppression.size();
    switch (suppression.judge(best, input + (int64_t)best.number * 4)) {
      case Suppression::kKept:
        scores[place] = best.score;
        found[1 + place] = best.number;
        break;
      case Suppression::kWaits: push_heap(heap, ++left, is_worse); break;
      case Suppression::kDropped: break;
    }
  }
  found[0] = (int32_t)suppression.size();
}
