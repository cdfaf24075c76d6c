# Real processes and a scripted upstream: one test for each topic.
set(PM_TEST_ENVIRONMENT "PM_BIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}"
	"PYTHONPATH=${CMAKE_CURRENT_LIST_DIR}/../lib" "PYTHONDONTWRITEBYTECODE=1")
# They measure times or memory, so they have the machine for themselves.
set(alone gone hedge kill outage slow tracing)
foreach(topic IN ITEMS abilities access admin alerts answers api_fuzz bytes cancel config convert cut cut_convert disk edit edit_kill events failover
	gone health hedge import kill learn limits metrics old_api order outage pause refusals session slow splits
	stats statuses strategy tracing trial upgrade)
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
	ENVIRONMENT "${PM_TEST_ENVIRONMENT}")
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
# It builds a release first.
add_test(NAME bench.added COMMAND ${CMAKE_CURRENT_LIST_DIR}/../bench/added)
set_tests_properties(bench.added PROPERTIES LABELS bench TIMEOUT 900 RUN_SERIAL ON)
set_tests_properties(bench.load PROPERTIES LABELS bench TIMEOUT 120
	ENVIRONMENT "${PM_TEST_ENVIRONMENT}")
