/* Leaves a process behind that no signal to the worker reaches; publishes on out/left "yes", or "no". */
#include <hark/function.h>

#include <string.h>
#include <unistd.h>

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    (void)in;
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        for (;;)
            pause();
    }
    const char *text = pid > 0 ? "yes" : "no";
    return hark_publish(ctx, "out/left", text, strlen(text));
}

HARK_FUNCTION(.handle = handle);
