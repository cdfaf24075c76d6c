# The admin pages in Debian's Chromium; skipped where it or the registries are out of reach.
foreach(topic IN ITEMS pages edit care xss)
	add_test(NAME ui.${topic} COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/test_${topic}.py)
	set_tests_properties(ui.${topic} PROPERTIES LABELS ui TIMEOUT 900 SKIP_RETURN_CODE 77
		ENVIRONMENT "${PM_TEST_ENVIRONMENT}")
endforeach()
add_test(NAME ui.words COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/test_words.py)
set_tests_properties(ui.words PROPERTIES LABELS "arch;ui" TIMEOUT 60)
