# cmake -DFROM=<folder> -DTO=<file.c> -P EmbedTemplates.cmake <language>/<file>.in...: the templates of `hark new` as the
# table that runtime/cli/scaffold.h declares. Bytes, so that no compiler's limit of a string's length counts.
set(rows "")
foreach(i RANGE 5 ${CMAKE_ARGC})
  if(NOT CMAKE_ARGV${i} MATCHES "^([^/]+)/(.+)\\.in$")
    continue()
  endif()
  set(row "    {\"${CMAKE_MATCH_1}\", \"${CMAKE_MATCH_2}\", (const char[]){")
  file(READ ${FROM}/${CMAKE_ARGV${i}} bytes HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  string(APPEND rows "${row}${bytes}0}},\n")
endforeach()
file(WRITE ${TO} "#include \"cli/scaffold.h\"\n\nconst struct scaffold_template scaffold_templates[] = {\n${rows}};\n\
const size_t scaffold_template_count = sizeof scaffold_templates / sizeof *scaffold_templates;\n")
