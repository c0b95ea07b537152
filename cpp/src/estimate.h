// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// What a variant is expected to cost, from what the artifact says of it alone.
#pragma once

#include <cstdint>

#include "tfnative/abi.h"

namespace tfnative::internal {

// Nanoseconds of one run on a machine like most, of an artifact with so many bytes of
// weights. The same in every process and on every machine: it decides which compiled
// batch sizes rows are split into, and thereby the last bits of their results.
double estimated_nanos(const tfn_variant& variant, std::uint64_t weights_bytes);

}  // namespace tfnative::internal
