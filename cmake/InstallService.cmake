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

# A folder of its own: another prefix may be installed to at the same time.
string(RANDOM LENGTH 12 run)
set(work ${HARK_INSTALL_WORK}/${run})
configure_file(${HARK_PACKAGING}/hark.service.in ${work}/hark.service @ONLY)
configure_file(${HARK_PACKAGING}/hark.yaml.in ${work}/hark.yaml @ONLY)
file(INSTALL ${work}/hark.service DESTINATION ${prefix}/lib/systemd/system)
file(INSTALL DESTINATION ${var}/lib/hark/functions TYPE DIRECTORY FILES "")
if(NOT EXISTS "$ENV{DESTDIR}${etc}/hark/hark.yaml") # somebody's settings by now
  file(INSTALL ${work}/hark.yaml DESTINATION ${etc}/hark)
endif()
file(REMOVE_RECURSE ${work})
