/* Hears no signal that can be blocked, says so, and never comes back: from start(), or built with AT_LOAD
 * while it is loaded. */
#include <hark/function.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

static void hang_deaf(const char *word)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    ssize_t ignored = write(STDOUT_FILENO, word, strlen(word));
    (void)ignored;
    for (volatile unsigned turns = 1; turns; turns = turns + 2)
        ;
}

#ifdef AT_LOAD
__attribute__((constructor)) static void load(void)
{
    hang_deaf("loading is deaf\n");
}
#endif

static int start(struct hark_context *ctx)
{
    (void)ctx;
    hang_deaf("starting is deaf\n");
    return 0;
}

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    (void)ctx;
    (void)in;
    return HARK_OK;
}

HARK_FUNCTION(.start = start, .handle = handle);
