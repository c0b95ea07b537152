// SPDX-FileCopyrightText: The tfnative authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace tfnative::internal {

// Whether a text is UTF-8 as RFC 3629 has it: without surrogates, and each character
// in as few bytes as it needs.
bool is_utf8(std::string_view text) noexcept;

}  // namespace tfnative::internal
