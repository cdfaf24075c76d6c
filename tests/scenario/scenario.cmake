# Real processes and a scripted upstream: one test for each topic.
set(PM_TEST_ENVIRONMENT "PM_BIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}"
	"PYTHONPATH=${CMAKE_CURRENT_LIST_DIR}/../lib" "PYTHONDONTWRITEBYTECODE=1")
# They measure times or memory, so they have the machine for themselves.
set(alone flood gone hedge kill memory mortal outage slow tracing)
foreach(topic IN ITEMS abilities access admin alerts answers api_fuzz bytes cancel config convert core cut cut_convert disk edit edit_kill events failing failover flood
	gone health heap hedge import kill learn limits linger memory metrics moments mortal old_api order outage pause playground records refusals session slow splits spoiled
	stats statuses strategy takeover tracing trial upgrade)
	add_test(NAME scenario.${topic}
		COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/test_${topic}.py)
	set_tests_properties(scenario.${topic} PROPERTIES LABELS scenario TIMEOUT 300
		ENVIRONMENT "${PM_TEST_ENVIRONMENT}")
	if(topic IN_LIST alone)
		set_tests_properties(scenario.${topic} PROPERTIES RUN_SERIAL ON)
	endif()
endforeach()
add_test(NAME golden.texts
	COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/../golden/test_golden.py)
set_tests_properties(golden.texts PROPERTIES LABELS golden TIMEOUT 60
	ENVIRONMENT "${PM_TEST_ENVIRONMENT}")
add_test(NAME quickstart.check COMMAND ${CMAKE_CURRENT_LIST_DIR}/quickstart_check)
set_tests_properties(quickstart.check PROPERTIES LABELS quickstart TIMEOUT 900
	FIXTURES_SETUP release ENVIRONMENT "${PM_TEST_ENVIRONMENT}")
# They look at the release that quickstart.check has built.
foreach(topic IN ITEMS core heap memory)
	set_property(TEST scenario.${topic} PROPERTY FIXTURES_REQUIRED release)
	set_property(TEST scenario.${topic} APPEND PROPERTY ENVIRONMENT
		"PM_RELEASE=${PROJECT_SOURCE_DIR}/build/quickstart/tree/build/release")
endforeach()
# The load generator of tests/bench is held to the same rules as the programs.
add_executable(bench-load ${CMAKE_CURRENT_LIST_DIR}/../bench/main.c
	${CMAKE_CURRENT_LIST_DIR}/../bench/load.c ${CMAKE_CURRENT_LIST_DIR}/../bench/answer.c)
target_link_libraries(bench-load PRIVATE pm_base)
add_executable(bench-convert ${CMAKE_CURRENT_LIST_DIR}/../bench/bench_convert.c
	${CMAKE_CURRENT_LIST_DIR}/../bench/samples.c)
target_link_libraries(bench-convert PRIVATE pm_dataplane_pure pm_flags)
add_executable(bench-stats ${CMAKE_CURRENT_LIST_DIR}/../bench/bench_stats.c)
target_link_libraries(bench-stats PRIVATE pm_controlplane pm_flags)
add_test(NAME bench.load COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/../bench/test_load.py)
# Ten reloads and two upgrades under load; the whole of it, beside nginx and HAProxy, by hand.
add_test(NAME bench.reload COMMAND ${CMAKE_CURRENT_LIST_DIR}/../bench/reload --quick)
set_tests_properties(bench.reload PROPERTIES LABELS bench TIMEOUT 120
	ENVIRONMENT "${PM_TEST_ENVIRONMENT}")
add_test(NAME bench.added COMMAND ${CMAKE_CURRENT_LIST_DIR}/../bench/added)
set_tests_properties(bench.added PROPERTIES LABELS bench TIMEOUT 300 RUN_SERIAL ON
	FIXTURES_REQUIRED release ENVIRONMENT "PM_RELEASE=${PROJECT_SOURCE_DIR}/build/quickstart/tree/build/release")
set_tests_properties(bench.load PROPERTIES LABELS bench TIMEOUT 120
	ENVIRONMENT "${PM_TEST_ENVIRONMENT}")
