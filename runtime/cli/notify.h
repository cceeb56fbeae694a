/* notify.h: tells the service manager that started this process how it is doing: the protocol of
 * sd_notify(3), without its library. */
#ifndef HARK_CLI_NOTIFY_H
#define HARK_CLI_NOTIFY_H

#include <stdbool.h>

/* Lines of NAME=VALUE: "READY=1\nSTATUS=serving". Nothing happens where no manager asked for it
 * (NOTIFY_SOCKET is not set); what it does not take within a second is a warning. */
void notify_manager(const char *state);

/* Is what the descriptor writes to the journal's stream, as the manager's JOURNAL_STREAM (device:inode) has
 * it? NULL: there is none. */
bool notify_is_journal(const char *stream, int fd);

#endif
