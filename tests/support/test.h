/* test.h: cmocka with what it wants included before it, and how long a system test waits.
 *
 * A wait is for an event; its deadline is a guard that only a failing test reaches. */
#ifndef TESTS_SUPPORT_TEST_H
#define TESTS_SUPPORT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { GUARD_MS = 20000 };

#endif
