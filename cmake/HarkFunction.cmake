include(CheckLinkerFlag)

# hark_function(<name> <sources>...): builds <name>.so, a handler that exports the object hark_function and nothing
# else. An undefined symbol is an error here, at the link, instead of at the deploy.
function(hark_function name)
  add_library(${name} MODULE ${ARGN})
  set_target_properties(${name} PROPERTIES PREFIX "" C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden)
  target_link_libraries(${name} PRIVATE hark::abi)
  target_link_options(${name} PRIVATE LINKER:-z,defs,-z,relro,-z,now)
  # Code and constants in one segment: two mappings less for each worker to make, and a smaller file.
  set(language C)
  if(NOT CMAKE_C_COMPILER_LOADED)
    set(language CXX)
  endif()
  check_linker_flag(${language} -Wl,-z,noseparate-code HARK_LINKER_MERGES_SEGMENTS)
  if(HARK_LINKER_MERGES_SEGMENTS)
    target_link_options(${name} PRIVATE LINKER:-z,noseparate-code)
  endif()
  # hark refuses a handler that others may write, as one that is linked with a umask of 002.
  add_custom_command(TARGET ${name} POST_BUILD COMMAND chmod go-w $<TARGET_FILE:${name}> VERBATIM)
endfunction()
