/* subtree.h: cgroups to start harks in, where this test was given a part of the cgroup v2 tree itself:
 *
 *     systemd-run --pipe -p Delegate=yes build/tests/system/cgroup_test
 *
 * Elsewhere the tests that need one are skipped, and say why. */
#ifndef TESTS_SYSTEM_SUBTREE_H
#define TESTS_SYSTEM_SUBTREE_H

#include <stdbool.h>
#include <stddef.h>

/* First of all, while the test is alone in its cgroup. */
void subtree_look(void);
bool subtree_is_there(void); /* with all controllers */
/* Skips the running test where there is none. */
void subtree_needed(void);

/* An empty cgroup with all controllers, as a service manager would give it to a hark. It is gone at the end
 * of the test, by then empty. */
const char *subtree_create(void);
/* Nobody is in it or below any more: waits for that. */
void subtree_await_empty(const char *cgroup);
/* What a service manager does to a cgroup that it uses again: its controllers are taken back. */
void subtree_take_back(const char *cgroup);

#endif
