# Golden conversions: a folder for each, read and run by one program.
add_executable(run_convert
	${CMAKE_CURRENT_SOURCE_DIR}/golden/run_convert.c ${CMAKE_CURRENT_SOURCE_DIR}/golden/golden_case.c
	${CMAKE_CURRENT_SOURCE_DIR}/golden/golden_compare.c ${CMAKE_CURRENT_SOURCE_DIR}/golden/golden_tell.c
	${CMAKE_CURRENT_SOURCE_DIR}/golden/golden_tap.c)
target_compile_options(run_convert PRIVATE "SHELL:-iquote ${CMAKE_CURRENT_SOURCE_DIR}/golden")
target_link_libraries(run_convert PRIVATE pm_dataplane_pure pm_flags)
add_test(NAME golden.convert COMMAND run_convert ${CMAKE_CURRENT_SOURCE_DIR}/golden/convert)
set_tests_properties(golden.convert PROPERTIES LABELS golden TIMEOUT 300)
add_test(NAME golden.vectors COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_SOURCE_DIR}/golden/test_vectors.py)
set_tests_properties(golden.vectors PROPERTIES LABELS golden TIMEOUT 60)
