pm_unit_test(launcher pm_launcher)
pm_unit_test(launcher_text pm_launcher)
target_compile_definitions(test_launcher_text PRIVATE
	MANUAL="${CMAKE_CURRENT_LIST_DIR}/../../deploy/man/pointsman.1")
