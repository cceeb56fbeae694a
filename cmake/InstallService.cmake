# Run by `cmake --install`: the service's unit, its settings and its folder of functions. What a prefix is, is known only
# then: below /usr, settings are in /etc and functions in /var; else everything is below the prefix.
set(prefix ${CMAKE_INSTALL_PREFIX})
if(prefix STREQUAL "/usr")
  set(etc /etc)
  set(var /var)
else()
  set(etc ${prefix}/etc)
  set(var ${prefix}/var)
endif()

configure_file(${HARK_PACKAGING}/hark.service.in ${HARK_INSTALL_WORK}/hark.service @ONLY)
configure_file(${HARK_PACKAGING}/hark.yaml.in ${HARK_INSTALL_WORK}/hark.yaml @ONLY)
file(INSTALL ${HARK_INSTALL_WORK}/hark.service DESTINATION ${prefix}/lib/systemd/system)
file(INSTALL DESTINATION ${var}/lib/hark/functions TYPE DIRECTORY FILES "")
if(NOT EXISTS "$ENV{DESTDIR}${etc}/hark/hark.yaml") # somebody's settings by now
  file(INSTALL ${HARK_INSTALL_WORK}/hark.yaml DESTINATION ${etc}/hark)
endif()
