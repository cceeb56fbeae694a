# What `cmake --install` puts where, beside what each folder installs itself: enough to run hark, and to build functions
# with find_package(hark).
include(CMakePackageConfigHelpers)

set(HARK_PACKAGE_DIR lib/cmake/hark)

install(TARGETS hark RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/runtime/include/hark DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT sdk
  FILES_MATCHING PATTERN *.h)

set_target_properties(hark_abi PROPERTIES EXPORT_NAME abi)
install(TARGETS hark_abi EXPORT hark INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT hark FILE hark-targets.cmake NAMESPACE hark:: DESTINATION ${HARK_PACKAGE_DIR} COMPONENT sdk)

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/hark-config.cmake.in
  ${PROJECT_BINARY_DIR}/hark-config.cmake INSTALL_DESTINATION ${HARK_PACKAGE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/hark-config-version.cmake
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/hark-config.cmake ${PROJECT_BINARY_DIR}/hark-config-version.cmake
  ${PROJECT_SOURCE_DIR}/cmake/HarkFunction.cmake DESTINATION ${HARK_PACKAGE_DIR} COMPONENT sdk)

configure_file(${PROJECT_SOURCE_DIR}/cmake/hark.pc.in ${PROJECT_BINARY_DIR}/hark.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/hark.pc DESTINATION share/pkgconfig COMPONENT sdk)
file(GLOB schemas ${PROJECT_SOURCE_DIR}/manifests/*.schema.json)
install(FILES ${schemas} DESTINATION share/hark COMPONENT sdk)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/sdk/rust DESTINATION share/hark COMPONENT sdk PATTERN target EXCLUDE
  PATTERN Cargo.lock EXCLUDE)

install(CODE "
  set(HARK_PACKAGING \"${PROJECT_SOURCE_DIR}/packaging\")
  set(HARK_INSTALL_WORK \"${PROJECT_BINARY_DIR}/packaging\")")
install(SCRIPT ${PROJECT_SOURCE_DIR}/cmake/InstallService.cmake)
