/* config_file.h: the values of a manifest's `config` that lie in files (`from_file`).
 *
 * Any thread. Read by hark, not by the worker: the function gets the text, and never the file. */
#ifndef HARK_DISPATCHER_CONFIG_FILE_H
#define HARK_DISPATCHER_CONFIG_FILE_H

#include "manifest/manifest.h"

/* Fills in every value that is to be read, relative paths from `folder` ("" or something that ends in '/').
 * The value is the whole content without one line end (LF or CR LF) at its end. 0, or a negative errno and a
 * complaint for each file that is no good; no complaint shows any of the content. -EAGAIN: one is being
 * written. */
__attribute__((warn_unused_result)) int config_files_read(struct manifest *m, struct slice folder,
                                                          struct diags *diags);

/* The paths of those files, ending in NULL. NULL: there are none, or no memory. */
char **config_files_list(const struct manifest *m, struct slice folder);
void config_files_free(char **list); /* NULL is fine */

#endif
