/* pace.h: when the next message of a recording is due. Pure. */
#ifndef HARK_CLI_PACE_H
#define HARK_CLI_PACE_H

#include <stdint.h>

struct pace {
    double speed; /* of the original; 0: as fast as it goes */
    uint64_t first_ns, began_ns;
    uint64_t last_due_ns; /* of the message before; 0: there was none */
};

/* recorded_ns: when the message was recorded, 0: not known. Returns the monotonic moment at which it is due:
 * `now_ns` for the first, and not before the message before it. */
uint64_t pace_due(struct pace *p, uint64_t recorded_ns, uint64_t now_ns);

#endif
