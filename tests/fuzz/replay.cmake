# Corpora replayed as tests in the normal (sanitized) build.
function(pm_fuzz name)
	add_executable(replay_${name} ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/fuzz_${name}.c
		${CMAKE_CURRENT_SOURCE_DIR}/fuzz/replay_main.c)
	target_link_libraries(replay_${name} PRIVATE ${ARGN} pm_flags)
	add_test(NAME fuzz.${name} COMMAND replay_${name} ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${name})
	set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 120)
endfunction()
include(${CMAKE_CURRENT_SOURCE_DIR}/fuzz/targets.cmake)
