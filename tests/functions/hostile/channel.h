/* channel.h: what a hostile function knows of the worker that it runs in: the source is open. */
#ifndef TESTS_HOSTILE_CHANNEL_H
#define TESTS_HOSTILE_CHANNEL_H

#include "shared/wire.h"

#include <string.h>
#include <unistd.h>

enum { CHANNEL = 3, FIRST_CALL = 1 };

__attribute__((unused)) static void forge(uint32_t type, uint64_t call, const void *body, uint32_t len)
{
    unsigned char frame[256];
    struct wire_header header = {.length = len, .type = type, .call = call};
    memcpy(frame, &header, sizeof header);
    if (len)
        memcpy(frame + sizeof header, body, len);
    ssize_t ignored = write(CHANNEL, frame, sizeof header + len);
    (void)ignored;
}

#endif
