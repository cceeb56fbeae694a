/* installed.h: where the programs and libraries of hark's own are that belong to this executable. */
#ifndef HARK_SHARED_INSTALLED_H
#define HARK_SHARED_INSTALLED_H

/* ../libexec/hark/NAME from this executable's folder, in the build tree as in an installation; beside
 * $HARK_WORKER where that is set (for tests). Caller frees. NULL: out of memory. */
char *installed_path(const char *name);

#endif
