/* recorder.h: a worker's end of the flight recorder, wire.h.
 *
 * In a worker, sealed or not, before the function is loaded. */
#ifndef HARK_WORKER_RECORDER_H
#define HARK_WORKER_RECORDER_H

#include "shared/wire.h"

/* The page behind `fd`, which may be closed then; mapped until the process ends. It has to be as large as a
 * wire_recorder. NULL: it cannot be mapped. */
struct wire_recorder *recorder_map(int fd);

#endif
