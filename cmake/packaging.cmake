# What `cmake --install` puts where, and the .deb that `cpack` makes of it.
include(GNUInstallDirs)

install(TARGETS tianyan RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(TARGET tianyan-bench)
  install(TARGETS tianyan-bench RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} OPTIONAL)
  install(FILES packaging/tianyan-bench.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()
install(DIRECTORY configs DESTINATION ${CMAKE_INSTALL_DATADIR}/tianyan)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES README.md CHANGELOG.md CONTRIBUTING.md LICENSE LICENSE.exception DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(CODE "
  set(tianyan [[$<TARGET_FILE:tianyan>]])
  set(made [[${PROJECT_BINARY_DIR}/generated/installed]])
  set(data_folder [[${CMAKE_INSTALL_DATADIR}]])
  set(man_folder [[${CMAKE_INSTALL_MANDIR}]])")
install(SCRIPT cmake/install_generated.cmake)

if(BUILD_TESTING AND NOT TIANYAN_SANITIZE)
  add_test(NAME package COMMAND ${PROJECT_SOURCE_DIR}/scripts/test-package ${PROJECT_BINARY_DIR})
  set_tests_properties(package PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 600)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR})
set(CPACK_PACKAGE_NAME tianyan)
set(CPACK_PACKAGE_CONTACT "Tianyan maintainers <maintainers@tianyan.example>" CACHE STRING "Of the .deb")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "single-pulse search of radio telescope scans")
set(CPACK_PACKAGE_DESCRIPTION
"Tianyan searches recorded scans of the FAST telescope, 19 beams of
search-mode spectra or voltages, for fast radio bursts and single pulses
of pulsars. It flags interference, dedisperses, matches boxcars, compares
the beams, and writes detections as ECSV, VOTable, VOEvent and other
formats, with plots and a report.")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/debian_files.cmake)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)  # tianyan_0.1.0_amd64.deb
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS fonts-dejavu-core)  # plots have no text without a font
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS bitshuffle)      # as HDF5 files of Breakthrough Listen are compressed
include(CPack)
