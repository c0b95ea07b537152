# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
#
# cmake --install BUILD --component sdk: headers, library, CMake package.
include(CMakePackageConfigHelpers)

set(_package ${CMAKE_INSTALL_LIBDIR}/cmake/tfnative)
install(TARGETS tfnative EXPORT tfnative_targets COMPONENT sdk
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT sdk
                NAMELINK_COMPONENT sdk
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT sdk
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT tfnative_targets NAMESPACE tfnative:: DESTINATION ${_package}
        FILE tfnative-targets.cmake COMPONENT sdk)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/cpp/include/tfnative
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT sdk)

configure_package_config_file(
  ${PROJECT_SOURCE_DIR}/cmake/tfnative-config.cmake.in
  ${PROJECT_BINARY_DIR}/tfnative-config.cmake INSTALL_DESTINATION ${_package})
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/tfnative-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/tfnative-config.cmake
              ${PROJECT_BINARY_DIR}/tfnative-config-version.cmake
        DESTINATION ${_package} COMPONENT sdk)
