# Every floating-point flag of the project, in one place, each with its reason.
#
#   -ffp-contract=off     a * b + c is two roundings unless the source says fma: the arithmetic contract is the source's
#   -fno-math-errno       lets sqrtf be one instruction; changes no value
#   -fno-trapping-math    lets branch-free selects vectorise; changes no value (the exception flags are never read)
#
# Never here: -ffast-math and its parts (they change values), -march=native (the build machine is not the user's).
add_library(cp_flags INTERFACE)
target_compile_features(cp_flags INTERFACE c_std_11)
target_compile_definitions(cp_flags INTERFACE _GNU_SOURCE)
target_compile_options(cp_flags INTERFACE
  -ffp-contract=off -fno-math-errno -fno-trapping-math
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wcast-qual -Werror)
target_include_directories(cp_flags INTERFACE ${PROJECT_SOURCE_DIR}/harness ${PROJECT_SOURCE_DIR}/reference)

# What makes a fault in a parser harder to use, at no cost that a run shows: checked stacks and buffers, addresses that
# change from run to run, tables of addresses that are read-only. Sanitizers and counts of branches have their own.
include(CheckCCompilerFlag)
include(CheckPIESupported)
check_pie_supported()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(cp_flags INTERFACE -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  target_link_options(cp_flags INTERFACE LINKER:-z,relro,-z,now)
  check_c_compiler_flag(-fstack-clash-protection CP_STACK_CLASH)
  if(CP_STACK_CLASH)
    target_compile_options(cp_flags INTERFACE -fstack-clash-protection)
  endif()
endif()

if(CP_SANITIZE)
  target_compile_definitions(cp_flags INTERFACE CP_SANITIZED)
  target_compile_options(cp_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(cp_flags INTERFACE -fsanitize=address,undefined)
endif()

if(CP_FUZZ)
  target_compile_options(cp_flags INTERFACE -fsanitize=fuzzer-no-link)
  # Pictures of a megapixel at most: a file of 200 bytes can be 178 of them, whose decoding is another program's.
  target_compile_definitions(cp_flags INTERFACE CP_FUZZ_PIXELS=1048576)
endif()

if(CP_COVERAGE)
  target_compile_definitions(cp_flags INTERFACE CP_COVERAGE)
  target_compile_options(cp_flags INTERFACE --coverage)
  target_link_options(cp_flags INTERFACE --coverage)
endif()

# The instruction sets that harness/ops is compiled for; the program picks one at run time by what the processor has.
# scalar is the portable definition that the others must agree with to the bit.
set(CP_ISAS "scalar;avx2;avx512" CACHE STRING "Instruction sets to build kernels for")
if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(CP_ISAS "scalar")
endif()
set(CP_ISA_FLAGS_scalar "")
set(CP_ISA_FLAGS_avx2 -mavx2 -mfma -mf16c)
set(CP_ISA_FLAGS_avx512 -mavx512f -mavx512bw -mavx512vl -mavx512dq -mfma -mf16c -mprefer-vector-width=512)
