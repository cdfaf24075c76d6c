# Faults under load. The same with bigger numbers by hand: tests/soak/run --seconds 1800.
add_test(NAME soak.faults
	COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_LIST_DIR}/run --seconds 17 --every 1)
set_tests_properties(soak.faults PROPERTIES LABELS soak TIMEOUT 200 RUN_SERIAL ON
	ENVIRONMENT "${PM_TEST_ENVIRONMENT}")
