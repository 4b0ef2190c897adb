# Install rules: headers, one export file per component (a component is imported only where its dependency is found),
# the package configuration and a pkg-config file. Nothing depends on the architecture, so all of it goes to share/.
include(CMakePackageConfigHelpers)

set(lacuna_package_dir "${CMAKE_INSTALL_DATADIR}/cmake/lacuna")
install(DIRECTORY include/lacuna DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.hpp")

install(TARGETS lacuna EXPORT lacuna)
install(EXPORT lacuna NAMESPACE lacuna:: FILE lacunaTargets.cmake DESTINATION "${lacuna_package_dir}")
foreach(component IN LISTS lacuna_components)
  install(TARGETS lacuna_${component} EXPORT lacuna_${component})
  install(EXPORT lacuna_${component} NAMESPACE lacuna:: FILE lacuna_${component}Targets.cmake
    DESTINATION "${lacuna_package_dir}")
endforeach()

configure_package_config_file(cmake/lacunaConfig.cmake.in "${PROJECT_BINARY_DIR}/lacunaConfig.cmake"
  INSTALL_DESTINATION "${lacuna_package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/lacunaConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
configure_file(cmake/lacuna.pc.in "${PROJECT_BINARY_DIR}/lacuna.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/lacunaConfig.cmake" "${PROJECT_BINARY_DIR}/lacunaConfigVersion.cmake"
  cmake/lacunaDependencies.cmake cmake/lacunaDispatch.cmake DESTINATION "${lacuna_package_dir}")
install(FILES "${PROJECT_BINARY_DIR}/lacuna.pc" DESTINATION "${CMAKE_INSTALL_DATADIR}/pkgconfig")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DATADIR}/licenses/lacuna")
