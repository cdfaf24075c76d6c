pm_unit_test(envelope pm_ipc)
pm_unit_test(state pm_ipc)
pm_unit_test(table pm_ipc)
pm_unit_test(bus pm_ipc)
