/* streams.h: the standard streams that an interpreter uses inside an adapter. */
#ifndef HARK_SCRIPT_STREAMS_H
#define HARK_SCRIPT_STREAMS_H

/* Makes them libc's. Before the interpreter is called. */
void streams_open(void);

#endif
