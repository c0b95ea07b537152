// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
//
// Which of an artifact's CPU levels runs here.
#pragma once

#include <cstdint>
#include <string>

#include "tfnative/abi.h"

namespace tfnative::internal {

// The level of the x86-64 psABI that this CPU and its operating system have (1 to
// 4); 0 on other machines. Found once.
std::int32_t host_x86_level() noexcept;

// "x86-64-v3", "x86-64" or the machine's name.
std::string host_level_name();

// What this CPU and its operating system have, as tfn_cpu_level says what it needs: the
// level above, and features, whether or not this process may use them. Found once.
std::int32_t host_cpu() noexcept;

// The same for the code of an artifact, of which `requested` is wanted if not empty. If
// that needs a permission, this asks for it, and leaves out what is refused: from then
// on, Linux wants more room on stacks for signals.
std::int32_t host_cpu_for(const tfn_artifact& artifact, const std::string& requested);

// The index of the level to run: `requested` if not empty, else the best that `host`,
// a number as that of host_cpu_for(), can run. `requested_by` says in messages where it
// came from. Throws LoadError if there is no such level, or this CPU cannot run it.
std::int32_t choose_level(const tfn_artifact& artifact, std::int32_t host,
                          const std::string& requested,
                          const std::string& requested_by);

}  // namespace tfnative::internal
