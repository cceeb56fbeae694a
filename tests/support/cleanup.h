/* cleanup.h: what a test started ends with the test, also when an assertion jumps out of it.
 *
 * In a test program, on its main thread. Every thing of this library that lives (a process, a client, a
 * folder) registers itself when it is made; the test's teardown ends them in the reverse order. */
#ifndef TESTS_SUPPORT_CLEANUP_H
#define TESTS_SUPPORT_CLEANUP_H

#include <stdbool.h>

/* `end(thing)` is called once, at the end of the test. */
void at_end_of_test(void (*end)(void *thing), void *thing);

/* From outlive_test(true) to outlive_test(false), what is registered lives until the program ends. */
void outlive_test(bool yes);

/* A cmocka teardown function: cmocka_unit_test_teardown(test, end_of_test). */
int end_of_test(void **unused);

/* A test that leaves nothing behind. */
#define system_test(f) cmocka_unit_test_teardown(f, end_of_test)

#endif
