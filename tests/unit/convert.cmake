# The pure conversion library.
foreach(name IN ITEMS json state stops stream)
	pm_unit_test(convert_${name} pm_convert)
endforeach()
pm_unit_test(convert_chat pm_convert)
pm_unit_test(convert_chat_stream pm_convert)
pm_unit_test(convert_responses pm_convert)
