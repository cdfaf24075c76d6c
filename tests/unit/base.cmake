foreach(name IN ITEMS arena bytes clock crypto err figures fileio jget jsonspan log room secret view)
	pm_unit_test(${name} pm_base)
endforeach()
