/* zone_file.h: the time zones that a manifest names, from the system's tzdata. Reads files; any thread. */
#ifndef HARK_DISPATCHER_ZONE_FILE_H
#define HARK_DISPATCHER_ZONE_FILE_H

#include "manifest/manifest.h"

/* Fills in the zone of every trigger that has a timezone: from $TZDIR, else /usr/share/zoneinfo (tzset(3)).
 * 0, or a negative errno and a complaint where the manifest names it. */
__attribute__((warn_unused_result)) int zone_files_read(struct manifest *m, struct diags *diags);

#endif
