/* other_broker.h: a broker that stands in for mosquitto, as the environment of the test says:
 * docs/testing.md. */
#ifndef TESTS_SUPPORT_OTHER_BROKER_H
#define TESTS_SUPPORT_OTHER_BROKER_H

#include <stdbool.h>
#include <stdint.h>

/* Its program, or NULL: mosquitto is used. */
const char *other_broker_program(void);

/* Is `what` among the words of HARK_TEST_BROKER_LACKS? Never with mosquitto. */
bool other_broker_lacks(const char *what);

/* Ends a test, as skipped, that needs what the broker lacks, and says which word it was. */
void need_of_broker(const char *what);

/* What clients log in with, "tester:secret@" where nobody may come in without a name; else "". */
const char *other_broker_login(void);

/* What is left of that where hark names a broker: "tester@" or "". */
const char *other_broker_user(void);

struct other_broker {
    uint16_t port;
    const char *folder;
    struct process *process; /* NULL: down */
    const char *more[8];     /* arguments after port and folder; none: NULL */
    bool can_be_emptied;
};

/* A folder for one that other_broker_run will start. */
void other_broker_plan(struct other_broker *o);

/* Starts it, on its port and in its folder. False: it does not come to listen. */
bool other_broker_run(struct other_broker *o);

/* One that an earlier test of this program has left, emptied. False: there is none. */
bool other_broker_take(struct other_broker *ret);

/* At the end of a test: leaves it to the next one, if it can be emptied, or else ends it. */
void other_broker_leave(struct other_broker *o);

#endif
