# Properties of the conversion library over conversations that chance makes.
add_executable(convert_pipe ${CMAKE_CURRENT_LIST_DIR}/convert_pipe.c)
target_link_libraries(convert_pipe PRIVATE pm_convert pm_flags)
set(PM_PROPERTY_ENVIRONMENT "PM_BIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}" "PYTHONDONTWRITEBYTECODE=1")
foreach(topic IN ITEMS requests answers)
	add_test(NAME property.${topic}
		COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/test_${topic}.py)
	set_tests_properties(property.${topic} PROPERTIES LABELS property TIMEOUT 300
		ENVIRONMENT "${PM_PROPERTY_ENVIRONMENT}")
endforeach()
