# clip_parity_add_check(NAME experiment.yaml [BASELINE FILE] [JUNIT FILE] [ARGUMENTS ...] [WORKING_DIRECTORY DIR])
#
# Adds `clip-parity check experiment.yaml` as a test. It fails where the experiment no longer agrees with its accepted
# baseline, results/baselines/EXPERIMENT.yaml under the working directory unless BASELINE says otherwise. Paths in the
# experiment are seen from WORKING_DIRECTORY, which is the source folder unless given. ARGUMENTS are passed on: key=value
# overrides, --no-bits.
function(clip_parity_add_check name experiment)
  cmake_parse_arguments(PARSE_ARGV 2 check "" "BASELINE;JUNIT;WORKING_DIRECTORY" "ARGUMENTS")
  if(check_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "clip_parity_add_check(${name}): unknown arguments ${check_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT check_WORKING_DIRECTORY)
    set(check_WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  endif()
  set(command $<TARGET_FILE:clip-parity::clip-parity> check ${experiment}
      output=${CMAKE_CURRENT_BINARY_DIR}/${name}.h5 ${check_ARGUMENTS})
  if(check_BASELINE)
    list(APPEND command --baseline ${check_BASELINE})
  endif()
  if(check_JUNIT)
    list(APPEND command --junit ${check_JUNIT})
  endif()
  add_test(NAME ${name} COMMAND ${command} WORKING_DIRECTORY ${check_WORKING_DIRECTORY})
  set_tests_properties(${name} PROPERTIES LABELS gate)
endfunction()
