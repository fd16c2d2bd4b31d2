# Run PROGRAM MODE < INPUT > OUTPUT and compare OUTPUT with EXPECTED, byte for byte.
execute_process(COMMAND ${PROGRAM} ${MODE} INPUT_FILE ${INPUT} OUTPUT_FILE ${OUTPUT}
  RESULT_VARIABLE rc)
if(NOT rc EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} ${MODE}: ${rc}")
endif()
execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files ${OUTPUT} ${EXPECTED}
  RESULT_VARIABLE rc)
if(NOT rc EQUAL 0)
  execute_process(COMMAND diff -u ${EXPECTED} ${OUTPUT})
  message(FATAL_ERROR "${OUTPUT} differs from ${EXPECTED}")
endif()
