/* Replies with what a function can see of the process it is in: `fds` its open descriptors, `environ` its
 * environment, `context` what the calls say of this message. */
#include <hark/function.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DESCRIPTORS = 1024, TEXT_BYTES = 4096 };

extern char **environ;

static int show_fds(char *text)
{
    int len = 0;
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            len += sprintf(text + len, "%d ", fd);
    return len;
}

static int show_environ(char *text)
{
    return sprintf(text, "%s", environ && *environ ? *environ : "nothing");
}

static int show_context(struct hark_context *ctx, char *text)
{
    int64_t budget = hark_budget_ns(ctx);
    const char *room = hark_capture(ctx, "room"), *none = hark_capture(ctx, "none");
    const char *setpoint = hark_config(ctx, "setpoint");
    return sprintf(text, "attempt=%u budget=%s room=%s none=%s setpoint=%s", hark_attempt(ctx),
                   budget > 0 && budget <= 2000000000 ? "right" : "wrong", room ? room : "NULL",
                   none ? none : "NULL", setpoint ? setpoint : "NULL");
}

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    char text[TEXT_BYTES] = "";
    int len = 0;
    if (strcmp(in->payload, "fds") == 0)
        len = show_fds(text);
    else if (strcmp(in->payload, "environ") == 0)
        len = show_environ(text);
    else if (strcmp(in->payload, "context") == 0)
        len = show_context(ctx, text);
    return hark_reply(ctx, text, (size_t)len);
}

HARK_FUNCTION(.handle = handle);
