# The pure modules of the data plane.
foreach(name IN ITEMS admit allowance answer deadlines errand_text facts headers inflate journal lessons limits loads notes outcome quota
		refuse retry rewrite route session sse stays tap tap_paid trace usage_filter wall)
	pm_unit_test(${name} pm_dataplane_pure)
endforeach()
