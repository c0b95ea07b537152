# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
#
# tfnative_kernels_LEVEL: the kernels as artifacts have them, for tests and benchmarks.
# Artifacts compile them with the same flags (aot/tfnative_aot/toolchain.py).
# tfnative_kernels_LEVEL_sanitized: with TFNATIVE_SANITIZE, for tests.
set(_kernels ${PROJECT_SOURCE_DIR}/cpp/kernels)
file(GLOB_RECURSE _kernel_sources CONFIGURE_DEPENDS ${_kernels}/*.cc)

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(TFNATIVE_KERNEL_LEVELS v2 v3 v3_vnni v4 v4_vnni v4_amx)
else()
  set(TFNATIVE_KERNEL_LEVELS generic)
endif()

function(_tfnative_add_kernels name level)
  if(kernel_level)
    set(level ${kernel_level})
  endif()
  set(sources ${_kernel_sources})
  if(kernel_files)
    list(FILTER sources INCLUDE REGEX "${kernel_files}")
  endif()
  add_library(${name} STATIC EXCLUDE_FROM_ALL ${sources})
  target_include_directories(${name} PUBLIC ${_kernels} ${PROJECT_SOURCE_DIR}/cpp/include)
  target_compile_definitions(${name} PUBLIC TFN_LEVEL=${level})
  target_compile_features(${name} PUBLIC cxx_std_17)
  target_compile_options(${name} PRIVATE ${ARGN} -fno-exceptions -fno-rtti -Wall -Wextra)
endfunction()

# Sets `variable` to what the code of a CPU level is compiled with.
function(tfnative_level_flags level variable)
  string(REGEX MATCH "^v[0-9]" psabi ${level})
  set(flags "")
  if(psabi)
    list(APPEND flags -march=x86-64-${psabi})
  endif()
  if(level STREQUAL v3_vnni)
    list(APPEND flags -mavxvnni)
  elseif(level STREQUAL v4_vnni)
    list(APPEND flags -mavx512vnni)
  elseif(level STREQUAL v4_amx)
    list(APPEND flags -mavx512vnni -mamx-tile -mamx-int8)
  endif()
  if(psabi STREQUAL v4)
    list(APPEND flags -mprefer-vector-width=512)
  endif()
  set(${variable} "${flags}" PARENT_SCOPE)
endfunction()

# kernel_files: a pattern of the files that are wanted, if it is not all.
# kernel_level: what TFN_LEVEL is, if it is not the level.
# Level `wide` is the code of v4 and v4_vnni on narrower vectors, which any machine runs.
function(tfnative_add_kernels level)
  tfnative_level_flags(${level} flags)
  list(APPEND flags -ffp-contract=fast -fno-trapping-math -fno-math-errno)
  if(level STREQUAL wide)
    list(APPEND flags -DTFN_WIDE_VECTORS -Wno-psabi)
  endif()
  if(TFNATIVE_SANITIZE)
    # Like the tests, without optimization: it would take 45 s of processor time more to
    # compile for a level, and save 13 s when they run. None of it is in artifacts.
    _tfnative_add_kernels(tfnative_kernels_${level}_sanitized ${level} ${flags})
    list(APPEND flags -fno-sanitize=all)
  endif()
  _tfnative_add_kernels(tfnative_kernels_${level} ${level} -O2 ${flags})
endfunction()
