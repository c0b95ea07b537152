// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Whether what a library says of itself makes sense.
#pragma once

#include "mapped_image.h"
#include "tfnative/abi.h"

namespace tfnative::internal {

// Whether the tables that a library's NAME_artifact returns are such as abi.h says: all
// pointers lead into the library, with all that is read through them, texts are UTF-8
// and end, and numbers are not larger than any model's. Nothing outside of the library
// is read, whatever the tables say. `name` is the trailer's.
//
// What code does, and whether pointers lead to the right places, is not known.
bool is_sane(const tfn_artifact* artifact, const tfn_trailer& trailer,
             const MappedImage& library);

}  // namespace tfnative::internal
