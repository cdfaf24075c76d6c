# The rules of arch.py, each a test, and the linter.
foreach(rule IN ITEMS arrows includers sizes banned comments top readmes scripts words format)
	add_test(NAME arch.${rule} COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/arch.py ${rule})
	set_tests_properties(arch.${rule} PROPERTIES LABELS arch TIMEOUT 120)
endforeach()
add_test(NAME arch.itself COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_LIST_DIR}/test_arch.py)
set_tests_properties(arch.itself PROPERTIES LABELS arch TIMEOUT 120)
add_test(NAME tidy COMMAND ${CMAKE_CURRENT_LIST_DIR}/tidy ${CMAKE_BINARY_DIR})
set_tests_properties(tidy PROPERTIES LABELS tidy TIMEOUT 900)
