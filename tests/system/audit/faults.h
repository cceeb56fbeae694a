/* faults.h: what goes wrong in the audit. The main thread's.
 *
 * A fault is done at once, or begins and has an end. Those that would undo each other do not run side by
 * side; all others do. Each is a line of world.events, with the seconds since the start. */
#ifndef TESTS_SYSTEM_AUDIT_FAULTS_H
#define TESTS_SYSTEM_AUDIT_FAULTS_H

#include "audit/world.h"

enum { FAULTS_MAX = 32 };

struct faults;

/* `chosen`: names separated by commas; NULL: all. NULL when one is unknown, with a line that says which. */
struct faults *faults_create(struct world *w, const char *chosen);
void faults_destroy(struct faults *f);

/* Ends those whose time has come, and makes one more when its time has come. Returns when to call again. */
uint64_t faults_turn(struct faults *f, uint64_t now_ns);

/* Ends all. */
void faults_end(struct faults *f);

void faults_print_names(FILE *to);
void faults_print_counts(const struct faults *f, FILE *to); /* " name=count" for each that was made */

#endif
