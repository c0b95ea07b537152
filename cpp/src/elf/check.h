// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Whether opening a library runs any of its code.
#pragma once

#include <string>
#include <string_view>

#include "elf/dynamic.h"

namespace tfnative::internal::elf {

// Checks that a library is closed, as compiled models are: it exports functions whose
// names begin with `name` and an underscore, `name`_artifact among them, needs libc and
// libm alone, and asks the dynamic linker for nothing but addresses. Opening it then
// runs none of its code; what the functions do when they are called is not known. Reads
// nothing outside of `file`, whatever is in it. Throws Problem.
void check_closed(std::string_view file, const std::string& name, Rules rules);

}  // namespace tfnative::internal::elf
