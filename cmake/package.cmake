# What `cmake --install` gives to other projects: the rooms below the drivers, their headers, and a package "doze" for
# find_package. It needs libcrypto, libsodium, libsecp256k1 and the header of tl::expected. A libsecp256k1 of our own
# (DOZE_SECP256K1_ROOT) is installed with it.
include(CMakePackageConfigHelpers)

install(EXPORT doze_rooms FILE doze-rooms.cmake NAMESPACE doze:: DESTINATION lib/cmake/doze COMPONENT library)
if(DOZE_SECP256K1_ROOT)
  install(FILES ${SECP_LIB} DESTINATION lib RENAME libdoze_secp256k1.a COMPONENT library)
endif()
configure_package_config_file(cmake/doze-config.cmake.in ${PROJECT_BINARY_DIR}/doze-config.cmake
  INSTALL_DESTINATION lib/cmake/doze PATH_VARS CMAKE_INSTALL_PREFIX)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/doze-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/doze-config.cmake ${PROJECT_BINARY_DIR}/doze-config-version.cmake
  DESTINATION lib/cmake/doze COMPONENT library)
