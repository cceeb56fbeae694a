/* A function that has another broker than before: until it has finished at the old one there are two of it.
 * The new one listens first, so that nothing falls between the two. What is left behind hangs on a source of
 * its own, without a manifest. */
#include "dispatcher/deploy_internal.h"
#include "shared/log.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A function keeps its source for life: when another manifest takes a function over (a rename), they swap
 * roles. */
void source_hand_function(struct source *from, struct source *to)
{
    to->function = from->function;
    from->function = NULL;
    function_set_user(to->function, to);
}

static bool is_same_path(const char *a, const char *b)
{
    size_t len = strcspn(a, "?");
    return strcspn(b, "?") == len && memcmp(a, b, len) == 0;
}

/* Two ways to one broker: a host has one, which listens with and without TLS, with and without WebSocket. But
 * a path is a proxy's way to tell one from the other. */
static bool is_same_place(const struct mqtt_url *a, const struct mqtt_url *b)
{
    bool other_way = a->is_tls != b->is_tls || a->is_web != b->is_web;
    bool same_listener = a->port == b->port && is_same_path(a->target, b->target);
    return strcasecmp(a->host, b->host) == 0 && (same_listener || other_way);
}

static struct source *create_behind(struct deployer *d)
{
    struct source *behind = source_create(d, "");
    if (!behind)
        return NULL;
    behind->is_behind = true;
    TAILQ_INSERT_HEAD(&d->sources, behind, link);
    return behind;
}

bool move_away(struct source *s, const struct broker *next)
{
    struct source *behind = create_behind(s->deployer);
    if (!behind)
        return false;
    source_hand_function(s, behind);
    struct function *f = behind->function;
    log_info("%s moves from broker %s to %s", function_name(f), function_broker(f)->url_text, next->url_text);
    if (is_same_place(&function_broker(f)->url, &next->url))
        function_drain(f, SOURCE_GRACE_NS); /* the session is the same one: it stays */
    else
        function_leave_broker(f);
    return true;
}

static struct function *find_behind(struct deployer *d, const char *name, const struct broker *broker)
{
    struct source *s;
    TAILQ_FOREACH (s, &d->sources, link) {
        if (s->is_behind && s->function && function_broker(s->function) == broker &&
            strcmp(function_name(s->function), name) == 0)
            return s->function;
    }
    return NULL;
}

bool move_holds(struct source *s, const char *name, const struct broker *broker)
{
    struct function *f = find_behind(s->deployer, name, broker);
    if (f && function_leaves_broker(f))
        function_drain(f, SOURCE_GRACE_NS);
    return f;
}

/* It never had a function. */
static void forget(struct source *behind, struct revision *revision)
{
    TAILQ_REMOVE(&behind->deployer->sources, behind, link);
    source_destroy(behind);
    revision_drop(revision);
}

static void fetch(struct source *s, struct broker *old, struct revision *revision)
{
    struct source *behind = create_behind(s->deployer);
    if (behind) {
        revision_hold(revision);
        behind->function = function_create(s->deployer->node, old, revision, NULL, &source_events, behind);
    }
    if (!behind || !behind->function) {
        log_error("%s was at broker %s before, and there is no memory to fetch what is queued there: it is "
                  "fetched after the next start of hark",
                  revision->manifest->function, old->url_text);
        if (behind)
            forget(behind, revision);
        return;
    }
    s->deployer->function_count++;
    log_info("%s was at broker %s before: what is queued there comes first", revision->manifest->function,
             old->url_text);
    function_leave_broker(behind->function);
}

void move_finish(struct source *s, struct broker *broker, struct revision *revision)
{
    const struct node *node = s->deployer->node;
    const char *name = revision->manifest->function;
    for (size_t i = 0; i < node->broker_count; i++) {
        struct broker *old = node->brokers[i];
        if (old != broker && !find_behind(s->deployer, name, old) &&
            !is_same_place(&old->url, &broker->url) && function_has_record(node, name, old))
            fetch(s, old, revision);
    }
}
