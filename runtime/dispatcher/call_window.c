#include "dispatcher/call_window.h"

enum { MEMORY = 16 }; /* calls that the mean is of, roughly */

/* Results come in batches, so only a batch's time is known: each of its calls counts with the same share. */
void call_window_learn(struct call_window *w, uint64_t took_ns, uint64_t calls)
{
    uint64_t weight = calls < MEMORY ? calls : (uint64_t)MEMORY;
    uint64_t each_ns = took_ns / calls, known_ns = w->service_ns ? w->service_ns : each_ns;
    w->service_ns = (known_ns * (MEMORY - weight) + each_ns * weight) / MEMORY;
    if (!w->service_ns)
        w->service_ns = 1;
    uint64_t fits = CALL_WINDOW_NS / w->service_ns;
    w->calls = fits < 1 ? 1 : fits > CALL_WINDOW_MAX ? CALL_WINDOW_MAX : (uint32_t)fits;
}
