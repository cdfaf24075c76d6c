# The pure modules of the data plane.
foreach(name IN ITEMS admit answer deadlines headers inflate outcome refuse retry route splice sse wall)
	pm_unit_test(${name} pm_dataplane_pure)
endforeach()
