/* interrupt.h: Ctrl-C and SIGTERM ask the audit to come to its end early. The main thread's. */
#ifndef TESTS_SYSTEM_AUDIT_INTERRUPT_H
#define TESTS_SYSTEM_AUDIT_INTERRUPT_H

#include <stdbool.h>

void interrupt_init(void);

/* Waits; true, at once: somebody asked. */
bool interrupt_within(int ms);

/* What was asked has been done; the next one counts anew. */
void interrupt_forget(void);

#endif
