/* check.h: CHECK(), an assertion that is always on, for hark's own bugs only.
 *
 * Any process, any thread. No byte from a broker, manifest, function or client may decide the outcome of a
 * CHECK: bad input is an error, never an assertion. */
#ifndef HARK_SHARED_CHECK_H
#define HARK_SHARED_CHECK_H

#define CHECK(condition) ((condition) ? (void)0 : check_failed(#condition, __FILE__, __LINE__))

__attribute__((noreturn, cold)) void check_failed(const char *condition, const char *file, int line);

/* Allocation at start, where there is nothing to fall back to: exits 70 with one line when memory is gone. */
__attribute__((malloc, returns_nonnull, warn_unused_result)) void *must_alloc(unsigned long bytes);
__attribute__((malloc, returns_nonnull, warn_unused_result)) char *must_strdup(const char *text);

#endif
