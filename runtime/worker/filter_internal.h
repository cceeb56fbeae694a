/* filter_internal.h: what the generator of the filters and hark-worker agree on. */
#ifndef HARK_WORKER_FILTER_INTERNAL_H
#define HARK_WORKER_FILTER_INTERNAL_H

enum {
    FILTER_CHANNEL = 3,         /* the descriptor that may be sent to and received from */
    FILTER_OWN_PID = 0x4f574e50 /* in the program, where the worker puts its process id; no pid is as high */
};

#endif
