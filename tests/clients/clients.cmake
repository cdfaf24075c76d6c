# Real clients, installed by name when the test runs; skipped where the registry is out of reach.
function(pm_client_test name script)
	add_test(NAME clients.${name}
		COMMAND /usr/bin/python3 ${CMAKE_CURRENT_SOURCE_DIR}/clients/test_${script}.py)
	set_tests_properties(clients.${name} PROPERTIES LABELS clients TIMEOUT 1500
		SKIP_RETURN_CODE 77 ENVIRONMENT "${PM_TEST_ENVIRONMENT};${ARGN}")
endfunction()
foreach(client IN ITEMS claude codex sdk_node sdk_python sdk_types)
	pm_client_test(${client} ${client})
endforeach()
foreach(client IN ITEMS sdk_node sdk_python)
	pm_client_test(${client}_old ${client} PM_SDKS=-old)
endforeach()
