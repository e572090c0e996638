# harness/base/version.h's facts: what was built, from which commit, with which flags.
find_package(Git QUIET)
set(CP_GIT_COMMIT "unknown")
if(GIT_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} describe --always --dirty --abbrev=12 --exclude=*
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE git_commit ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(git_commit)
    set(CP_GIT_COMMIT ${git_commit})
  endif()
endif()
string(TOUPPER ${CMAKE_BUILD_TYPE} build_type)
get_target_property(flags cp_flags INTERFACE_COMPILE_OPTIONS)
list(FILTER flags EXCLUDE REGEX "^-W")
list(JOIN flags " " flags)
set(libraries "HDF5 ${HDF5_VERSION}, GSL ${GSL_VERSION}, libfyaml ${FYAML_VERSION}, jansson ${JANSSON_VERSION}, \
libspng ${SPNG_VERSION}, libjpeg ${JPEG_VERSION}, libwebp ${WEBP_libwebp_VERSION}, zlib ${ZLIB_VERSION}, OpenSSL ${CRYPTO_VERSION}")
set_source_files_properties(harness/base/version.c PROPERTIES COMPILE_DEFINITIONS
  "CP_VERSION=\"${PROJECT_VERSION}\";CP_GIT_COMMIT=\"${CP_GIT_COMMIT}\";CP_COMPILER=\"${CMAKE_C_COMPILER_ID} ${CMAKE_C_COMPILER_VERSION}\";CP_FLAGS=\"${CMAKE_C_FLAGS_${build_type}} ${flags}\";CP_LIBRARIES=\"${libraries}\"")
