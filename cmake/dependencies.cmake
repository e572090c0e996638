# Each outside library, what it is for, and the only folder that includes it.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(HDF5 REQUIRED IMPORTED_TARGET hdf5-serial)  # result files: harness/result, captures
pkg_check_modules(GSL REQUIRED IMPORTED_TARGET gsl)            # statistics: harness/num; erf: reference/oracle
pkg_check_modules(FYAML REQUIRED IMPORTED_TARGET libfyaml)     # experiment files: harness/format
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)    # model configs: harness/format
pkg_check_modules(SPNG REQUIRED IMPORTED_TARGET spng)          # images: harness/picture
pkg_check_modules(JPEG REQUIRED IMPORTED_TARGET libjpeg)       # images: harness/picture
pkg_check_modules(WEBP REQUIRED IMPORTED_TARGET libwebpdemux libwebp)  # images: harness/picture
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)          # .gz data: harness/format
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)   # SHA-256: harness/base
pkg_check_modules(SECCOMP IMPORTED_TARGET libseccomp)          # optional, for the readers of HDF5: harness/base
find_library(HDF5_HL_LIBRARY NAMES hdf5_serial_hl hdf5_hl REQUIRED)
set(CP_LIBRARIES PkgConfig::HDF5 ${HDF5_HL_LIBRARY} PkgConfig::GSL PkgConfig::FYAML PkgConfig::JANSSON PkgConfig::SPNG
  PkgConfig::JPEG PkgConfig::WEBP
  PkgConfig::ZLIB PkgConfig::CRYPTO Threads::Threads m)
if(SECCOMP_FOUND)
  list(APPEND CP_LIBRARIES PkgConfig::SECCOMP)
  set_source_files_properties(${PROJECT_SOURCE_DIR}/harness/base/sandbox.c PROPERTIES COMPILE_DEFINITIONS CP_HAS_SECCOMP)
else()
  message(STATUS "libseccomp is not here: the processes that read other people's HDF5 are limited, but not confined")
endif()
