# libclip-parity for other programs (docs/library.md): shared, with the public functions alone; and the archive, which has all.
file(GLOB FACADE_SOURCES CONFIGURE_DEPENDS harness/library/*.c)
add_library(library SHARED ${FACADE_SOURCES})
set_target_properties(library PROPERTIES OUTPUT_NAME clip-parity VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
  LINK_DEPENDS ${PROJECT_SOURCE_DIR}/harness/library/clip-parity.map)
target_link_libraries(library PRIVATE clip_parity)
target_link_options(library PRIVATE LINKER:--version-script=${PROJECT_SOURCE_DIR}/harness/library/clip-parity.map)
target_include_directories(library INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
set_target_properties(clip_parity PROPERTIES OUTPUT_NAME clip-parity)

install(TARGETS library EXPORT clip-parityTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES $<TARGET_FILE:clip_parity> DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES harness/library/clip-parity.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

# Seen from the file itself, so that an installation can be moved.
file(RELATIVE_PATH CP_PKGCONFIG_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
set(CP_ARCHIVE_NEEDS ${HDF5_HL_LIBRARY})
foreach(needed HDF5 GSL FYAML JANSSON SPNG JPEG WEBP ZLIB CRYPTO SECCOMP)
  list(APPEND CP_ARCHIVE_NEEDS ${${needed}_LDFLAGS})
endforeach()
list(JOIN CP_ARCHIVE_NEEDS " " CP_ARCHIVE_NEEDS)
configure_file(cmake/clip-parity.pc.in clip-parity.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/clip-parity.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
