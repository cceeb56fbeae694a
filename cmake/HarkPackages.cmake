# cpack -G DEB: the Debian packages hark, the program and its service, and hark-dev, to build functions with.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME hark)
set(CPACK_PACKAGE_CONTACT "The maintainers of hark <hark@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL runtime sdk)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(packaging ${PROJECT_SOURCE_DIR}/packaging)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME hark)
set(CPACK_DEBIAN_RUNTIME_DESCRIPTION "Shared objects and manifests in a folder become functions: each message of a
topic runs one, in a sealed process of its own.")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION net)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_DEPENDS passwd)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_RECOMMENDS "ca-certificates, tzdata")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SUGGESTS "hark-dev, mosquitto")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA
  ${packaging}/postinst ${packaging}/prerm ${packaging}/postrm ${packaging}/conffiles)

set(CPACK_DEBIAN_SDK_PACKAGE_NAME hark-dev)
set(CPACK_DEBIAN_SDK_DESCRIPTION "What functions are built with: headers, CMake and pkg-config files, a crate
for Rust, and JSON Schemas of manifests. There is no library to link.")
set(CPACK_DEBIAN_SDK_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_SDK_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_SDK_PACKAGE_RECOMMENDS "hark, gcc | c-compiler, cmake, make | ninja-build")
set(CPACK_DEBIAN_SDK_PACKAGE_SUGGESTS "cargo")

include(CPack)
