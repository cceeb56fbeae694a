/* dev_source.h: which files a build is made of, by their names. Pure.
 *
 * A manifest is none: hark takes it up by itself. So are scripts. */
#ifndef HARK_CLI_DEV_SOURCE_H
#define HARK_CLI_DEV_SOURCE_H

#include <stdbool.h>

/* C, C++, assembler and Rust, and what CMake, make and Cargo read. Hidden files are none, nor is what editors
 * leave beside a file: `x.c~`, `.x.c.swp`, `#x.c#`. */
bool dev_source_is(const char *name);

/* May sources be in a folder of that name? Not in hidden ones, nor where builds put what they make. */
bool dev_source_may_be_in(const char *name);

#endif
