/* descriptor_io.h: whole reads and writes of a descriptor: what read(2) and write(2) do in parts. Any
 * process; they wait. */
#ifndef HARK_SHARED_DESCRIPTOR_IO_H
#define HARK_SHARED_DESCRIPTOR_IO_H

#include "shared/slice.h"

/* Writes all of it. 0 or -errno: some of it may be written. */
__attribute__((warn_unused_result)) int descriptor_write(int fd, struct slice bytes);

/* Reads until its end, at most `size` bytes: whoever has to know whether there is more offers a byte more
 * than it takes. 0 and *ret_len, or -errno. */
__attribute__((warn_unused_result)) int descriptor_read(int fd, char *to, size_t size, size_t *ret_len);

#endif
