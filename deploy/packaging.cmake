# cmake --build build/release --target package: pointsman_VERSION_ARCH.deb, made by CPack.
set(debian ${CMAKE_CURRENT_SOURCE_DIR}/debian)
set(made ${CMAKE_CURRENT_BINARY_DIR}/package)

# Debian wants these compressed, without a name or a time inside.
function(pm_gzip source target)
	add_custom_command(OUTPUT ${made}/${target} DEPENDS ${source}
		COMMAND ${CMAKE_COMMAND} -E make_directory ${made}
		COMMAND sh -c "gzip -9nc ${source} >${made}/${target}" VERBATIM)
	set_property(GLOBAL APPEND PROPERTY PM_GZIPPED ${made}/${target})
endfunction()
pm_gzip(${CMAKE_CURRENT_SOURCE_DIR}/man/pointsman.1 pointsman.1.gz)
pm_gzip(${debian}/changelog changelog.Debian.gz)
get_property(gzipped GLOBAL PROPERTY PM_GZIPPED)
add_custom_target(gzipped ALL DEPENDS ${gzipped})

install(FILES ${made}/pointsman.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES completion/pointsman DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)

# What only a Debian package needs; "cmake --install" leaves it alone.
set(deb COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES ${made}/changelog.Debian.gz ${debian}/copyright DESTINATION share/doc/pointsman ${deb})
install(FILES ${debian}/default DESTINATION /etc/default RENAME pointsman ${deb})
install(FILES ${debian}/lintian-overrides DESTINATION share/lintian/overrides RENAME pointsman ${deb})
install(FILES systemd/pointsman.service systemd/pointsman.socket systemd/pointsman-admin.socket
	DESTINATION /lib/systemd/system ${deb})
install(FILES systemd/pointsman.sysusers DESTINATION lib/sysusers.d RENAME pointsman.conf ${deb})
install(FILES systemd/pointsman.tmpfiles DESTINATION lib/tmpfiles.d RENAME pointsman.conf ${deb})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME pointsman)
set(CPACK_PACKAGE_VENDOR "The Pointsman developers")
set(CPACK_PACKAGE_CONTACT "The Pointsman developers <maintainers@pointsman.invalid>")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "gateway for coding agents")
set(CPACK_PACKAGE_DESCRIPTION "Pointsman stands between coding agents (Claude Code, Codex CLI, programs
with an OpenAI or Anthropic SDK) and the services of language models. Agents
point at one address; Pointsman chooses an upstream, tries the next one when it
fails, converts between the protocols, and counts what was used.")
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_COMPONENTS_ALL Unspecified debian)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
	GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "ca-certificates, systemd | systemd-standalone-sysusers,\
 systemd | systemd-standalone-tmpfiles")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${debian}/postinst ${debian}/prerm ${debian}/postrm
	${debian}/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
