# Real clients, installed by name when the test runs; skipped where the registry is out of reach.
foreach(client IN ITEMS claude codex sdk_node sdk_python sdk_types)
	add_test(NAME clients.${client}
		COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/test_${client}.py)
	set_tests_properties(clients.${client} PROPERTIES LABELS clients TIMEOUT 1500
		SKIP_RETURN_CODE 77 ENVIRONMENT "${PM_TEST_ENVIRONMENT}")
endforeach()
