/* hostile.h: the frame of a hostile function. It tries one thing, and publishes what came of it.
 *
 * attack() returns "did it", the name of an errno, both after the step that they belong to ("bind: EACCES"),
 * or whatever else tells one outcome from every other. Built with HOSTILE_AT_LOAD it attacks in a
 * constructor, before the worker has seen that there is a function at all, and handle() only tells.
 *
 * An attack takes no more than it needs for its proof: where nothing stops it, the machine shall survive. */
#ifndef TESTS_HOSTILE_H
#define TESTS_HOSTILE_H

#include <hark/function.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* Whom to attack; the message says it. All 0 and NULL at load. */
struct victims {
    struct hark_context *ctx;
    pid_t hark, zygote, sibling; /* as the host numbers them */
    const char *folder;          /* with the manifests and handlers of everybody */
    const char *granted;         /* of which a manifest may grant some */
};

enum { LARGEST = 64 * 1024 }; /* `limits.file_size` of those that may write */

__attribute__((format(printf, 1, 2), unused)) static const char *text(const char *format, ...)
{
    static char line[256];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    return line;
}

/* What a system call returned. */
HARK_UNUSED static const char *outcome(long returned)
{
    return returned == -1 ? strerrorname_np(errno) : "did it";
}

/* An earlier step failed. */
HARK_UNUSED static const char *failed(const char *step)
{
    return text("%s: %s", step, strerrorname_np(errno));
}

/* Never returns; the compiler need not know. */
HARK_UNUSED static const char *spin(void)
{
    for (volatile unsigned turns = 1; turns; turns = turns + 2)
        ;
    return "did it";
}

HARK_UNUSED static const char *in_folder(const struct victims *v, const char *name)
{
    return text("%s/%s", v->folder, name);
}

HARK_UNUSED static const char *granted(const struct victims *v, const char *name)
{
    return text("%s/%s", v->granted, name);
}

static const char *attack(const struct victims *victims);

#ifdef HOSTILE_AT_LOAD
static char at_load[256];

__attribute__((constructor)) static void load(void)
{
    snprintf(at_load, sizeof at_load, "%s", attack(&(struct victims){0}));
}
#endif

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
#ifdef HOSTILE_AT_LOAD
    (void)in;
    const char *got = at_load;
#else
    char folder[256] = "", granted_folder[256] = "";
    struct victims victims = {.ctx = ctx, .folder = folder, .granted = granted_folder};
    if (sscanf(in->payload, "%d %d %d %255s %255s", &victims.hark, &victims.zygote, &victims.sibling, folder,
               granted_folder) != 5)
        return HARK_REJECT;
    const char *got = attack(&victims);
#endif
    return hark_publish(ctx, "out/" HOSTILE_NAME, got, strlen(got));
}

HARK_FUNCTION(.handle = handle);

#endif
