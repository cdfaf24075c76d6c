# Packages and images on machines of their own; the first makes a small Debian below build/.
foreach(topic IN ITEMS package)
	add_test(NAME deploy.${topic} COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/test_${topic}.py)
	set_tests_properties(deploy.${topic} PROPERTIES LABELS deploy TIMEOUT 1800 SKIP_RETURN_CODE 77
		RESOURCE_LOCK small_debian ENVIRONMENT "${PM_TEST_ENVIRONMENT}")
endforeach()
