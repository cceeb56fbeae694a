/* small_disk.h: a folder that is a disk of its own, of a few KiB, that can be full.
 *
 * In a mount namespace of the test's, so that nobody else sees it and nothing of it outlives the test. */
#ifndef TESTS_SUPPORT_SMALL_DISK_H
#define TESTS_SUPPORT_SMALL_DISK_H

#include <stdbool.h>
#include <stddef.h>

/* Enters that namespace; an ordinary user's is in a user namespace, where the machine allows these. Once,
 * before the program has threads or children. False: it may not, errno says why. */
__attribute__((warn_unused_result)) bool small_disk_enter(void);

/* An empty disk over the folder, until the end of the test. */
void small_disk_mount(const char *folder, size_t kib);

/* Not a byte is left on the disk that the folder is on; and: as many as before. */
void small_disk_fill(const char *folder);
void small_disk_free(const char *folder);

#endif
