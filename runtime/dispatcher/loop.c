/* loop.c: messages that came through too many functions: the circle ends here. */
#include "dispatcher/function_internal.h"

#include "dispatcher/hops.h"

#include <stdio.h>
#include <stdlib.h>

static const char *circle(const struct function *f)
{
    return f->loop ? f->loop : "the other functions of its circle are not of this node";
}

/* What the manifests show is looked up once a second: a fast circle asks often. */
static void look_up_circle(struct function *f)
{
    if (f->looped != f->looped_said)
        return;
    free(f->loop);
    f->loop = f->events->name_loop(f->user, f);
}

void function_say_looped(struct function *f)
{
    uint64_t unsaid = f->looped - f->looped_said;
    if (!unsaid || !function_may_say(f, &f->looped_said_ns))
        return;
    function_log(f, LOG_ERROR, "%llu message%s came through %d functions and went no further: %s",
                 (unsigned long long)unsaid, unsaid == 1 ? "" : "s", HOPS_MAX, circle(f));
    f->looped_said = f->looped;
}

/* A function that is triggered by dead letters can be in a circle with its own. */
static bool is_dead_letter(const struct mqtt_message *message)
{
    for (uint32_t i = 0; i < message->property_count; i++) {
        if (slice_equal(message->properties[i].key, slice_of("hark-reason")))
            return true;
    }
    return false;
}

void loop_give_up(struct invocation *inv)
{
    struct function *f = inv->function;
    char reason[512];
    look_up_circle(f);
    snprintf(reason, sizeof reason, "loop: came through %u functions: %s", inv->hops, circle(f));
    f->looped++;
    function_say_looped(f);
    inv->unpublished = is_dead_letter(inv->message);
    dead_letter(inv, GIVE_UP_LOOP, reason);
}
