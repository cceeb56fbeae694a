/* other_broker.h: a broker that stands in for mosquitto, as the environment of the test says:
 * docs/testing.md. */
#ifndef TESTS_SUPPORT_OTHER_BROKER_H
#define TESTS_SUPPORT_OTHER_BROKER_H

#include <stdbool.h>

/* Its program, or NULL: mosquitto is used. Called with a port and a folder of its own. */
const char *other_broker_program(void);

/* Is `what` among the words of HARK_TEST_BROKER_LACKS? Never with mosquitto. */
bool other_broker_lacks(const char *what);

/* What clients log in with, "tester:secret@" where nobody may come in without a name; else "". */
const char *other_broker_login(void);

/* Ends a test, as skipped, that needs what only mosquitto can be told, or says. */
void need_mosquitto(void);

#endif
