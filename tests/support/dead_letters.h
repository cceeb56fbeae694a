/* dead_letters.h: messages that the puppet rejects, and what is kept of them. */
#ifndef TESTS_SUPPORT_DEAD_LETTERS_H
#define TESTS_SUPPORT_DEAD_LETTERS_H

#include "support/command.h"
#include "support/stage.h"

#include <stddef.h>

#define ONE_TRY       "retry: { attempts: 1 }\n"
#define ONE_AT_A_TIME ONE_TRY "limits: { queue: 1 }\n"

#define dead_command(h, ...) hark_command("dead", "--state", (h)->state, "--node", TEST_NODE, __VA_ARGS__)
#define redrive(h, ...)      dead_command(h, "redrive", "--broker", (h)->broker, __VA_ARGS__)

/* Sends a message that is rejected, bare or with all that a message can have, and waits for the dead letter
 * at the broker: the phone's next, borrowed. */
const struct message *letter_bury_bare(struct stage *s);
const struct message *letter_bury(struct stage *s);

/* Until so many are kept on the disk, and no more. */
void letters_wait(struct stage *s, size_t letters);

/* A stage whose puppet has one. */
struct stage letter_stage(void);

size_t letter_lines(const char *text);
size_t letters_listed(struct hark *h);
/* The only one's, borrowed until the end of the test. */
const char *letter_id(struct hark *h);

#endif
