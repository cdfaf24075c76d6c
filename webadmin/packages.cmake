# cmake -DNAME= -DVERSION= -DSHA256= -DKEPT=folder -DOUT=folder -P packages.cmake: an npm package by
# name and version, unpacked into OUT. npm fetches it once into KEPT, where a file that was put there
# by hand does as well (a build without a network); either must have the checksum.
set(file ${KEPT}/${NAME}-${VERSION}.tgz)

function(checksum_is_right result)
	set(${result} FALSE PARENT_SCOPE)
	if(EXISTS ${file})
		file(SHA256 ${file} found)
		if(found STREQUAL SHA256)
			set(${result} TRUE PARENT_SCOPE)
		endif()
	endif()
endfunction()

file(MAKE_DIRECTORY ${KEPT})
# Builds of several presets may come here at the same time.
file(LOCK ${KEPT} DIRECTORY GUARD PROCESS TIMEOUT 600)
checksum_is_right(right)
if(NOT right)
	find_program(npm npm)
	if(NOT npm)
		message(FATAL_ERROR "npm is missing: install it, or put ${NAME}-${VERSION}.tgz into ${KEPT}")
	endif()
	set(authorities "")
	if(EXISTS /etc/ssl/certs/ca-certificates.crt)
		set(authorities --cafile=/etc/ssl/certs/ca-certificates.crt)
	endif()
	# A registry that is busy for a moment must not fail a build.
	foreach(pause IN ITEMS 0 5 20)
		if(NOT right)
			execute_process(COMMAND ${CMAKE_COMMAND} -E sleep ${pause})
			execute_process(COMMAND ${npm} pack --silent --ignore-scripts --no-update-notifier
					--cache=${KEPT}/cache ${authorities} ${NAME}@${VERSION}
				WORKING_DIRECTORY ${KEPT} OUTPUT_QUIET ERROR_VARIABLE said)
			checksum_is_right(right)
		endif()
	endforeach()
	if(NOT right)
		message(FATAL_ERROR "npm does not give ${NAME} ${VERSION} with the known checksum: ${said}")
	endif()
endif()
file(REMOVE_RECURSE ${OUT})
file(ARCHIVE_EXTRACT INPUT ${file} DESTINATION ${OUT})
