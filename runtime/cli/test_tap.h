/* test_tap.h: what became of the cases of `hark test`, as TAP: the Test Anything Protocol, version 13, on
 * standard output. testanything.org */
#ifndef HARK_CLI_TEST_TAP_H
#define HARK_CLI_TEST_TAP_H

#include "cli/test_report.h"

void test_tap_begin(size_t count); /* the plan; points are numbered from 1 */
void test_tap_case(size_t number, const struct test_outcome *o);
void test_tap_unreadable(size_t number, const char *path); /* a file; the log says why */
void test_tap_bail_out(const char *why);                   /* nothing can run; begin may have been called */

#endif
