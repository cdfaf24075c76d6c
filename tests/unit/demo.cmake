pm_unit_test(demo_fault pm_demo_pure)
pm_unit_test(demo_directive pm_demo_pure)
pm_unit_test(demo_plan pm_demo_pure)
pm_unit_test(demo_rules pm_demo)
