# Packages and images on machines of their own; the first makes a small Debian below build/.
set(run_container Running)
add_test(NAME deploy.container_files
	COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/test_container.py Reading)
set_tests_properties(deploy.container_files PROPERTIES LABELS deploy TIMEOUT 60
	ENVIRONMENT "${PM_TEST_ENVIRONMENT}")
foreach(topic IN ITEMS package container)
	add_test(NAME deploy.${topic}
		COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/test_${topic}.py ${run_${topic}})
	set_tests_properties(deploy.${topic} PROPERTIES LABELS deploy TIMEOUT 1800 SKIP_RETURN_CODE 77
		RESOURCE_LOCK small_debian ENVIRONMENT "${PM_TEST_ENVIRONMENT}")
endforeach()
