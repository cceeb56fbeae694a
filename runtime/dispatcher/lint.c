#include "dispatcher/lint.h"

#include "manifest/node_config.h"
#include "shared/topic.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOBODY = -1, CYCLE_TEXT_MAX = 300 };

/* `topic`, which the function may publish, can trigger function `to`. */
struct edge {
    size_t to;
    const char *topic;
};

struct node {
    const struct manifest *manifest;
    struct edge *edges;
    size_t edge_count;
    bool connected; /* its edges are known */
    bool settled;   /* its knot was complained about */
};

struct graph {
    struct node *nodes;
    size_t count;
    bool failed; /* memory was short: what is known of edges is not all */
    /* of one search */
    long *came_from;  /* the node it was reached from, or NOBODY */
    const char **via; /* by which topic */
    size_t *queue;
};

/* NULL marks the graph failed. The caller frees. */
static void *take(struct graph *g, size_t count, size_t bytes)
{
    void *memory = calloc(count + 1, bytes);
    g->failed |= !memory;
    return memory;
}

static bool triggers(const char *topic, const struct manifest *m)
{
    for (size_t i = 0; i < m->trigger_count; i++) {
        if (m->triggers[i].topic && topic_patterns_overlap(slice_of(topic), slice_of(m->triggers[i].topic)))
            return true;
    }
    return false;
}

static const char *broker_of(const struct manifest *m)
{
    return m->broker ? m->broker : NODE_DEFAULT_BROKER;
}

/* The first thing that `from` may publish and that can trigger `to`; NULL: nothing. */
static const char *connection(const struct manifest *from, const struct manifest *to)
{
    if (strcmp(broker_of(from), broker_of(to)) != 0)
        return NULL;
    for (size_t i = 0; i < from->publish_count; i++) {
        if (triggers(from->publishes[i], to))
            return from->publishes[i];
    }
    return from->dead_letter && triggers(from->dead_letter, to) ? from->dead_letter : NULL;
}

static void connect_node(struct graph *g, struct node *n)
{
    if (n->connected)
        return;
    n->connected = true;
    struct edge *found = take(g, g->count, sizeof *found);
    if (!found)
        return;
    for (size_t to = 0; to < g->count; to++) {
        const char *topic = connection(n->manifest, g->nodes[to].manifest);
        if (topic)
            found[n->edge_count++] = (struct edge){to, topic};
    }
    struct edge *fitting = realloc(found, (n->edge_count + 1) * sizeof *found);
    n->edges = fitting ? fitting : found;
}

static void graph_init(struct graph *g, const struct manifest *const *manifests, size_t count)
{
    *g = (struct graph){.count = count};
    g->nodes = take(g, count, sizeof *g->nodes);
    g->came_from = take(g, count, sizeof *g->came_from);
    g->via = take(g, count, sizeof *g->via);
    g->queue = take(g, count, sizeof *g->queue);
    for (size_t i = 0; i < count && g->nodes; i++)
        g->nodes[i].manifest = manifests[i];
}

static void graph_finish(struct graph *g)
{
    for (size_t i = 0; i < g->count && g->nodes; i++)
        free(g->nodes[i].edges);
    free(g->nodes);
    free(g->came_from);
    free(g->via);
    free(g->queue);
}

/* Breadth first from `start`: fills in came_from and via of all that it can trigger, itself included when it
 * goes round; so the way back is a shortest one. */
static void search(struct graph *g, size_t start)
{
    size_t head = 0, tail = 0;
    for (size_t i = 0; i < g->count; i++)
        g->came_from[i] = NOBODY;
    g->queue[tail++] = start;
    while (head < tail) {
        size_t from = g->queue[head++];
        connect_node(g, &g->nodes[from]);
        for (size_t i = 0; i < g->nodes[from].edge_count; i++) {
            const struct edge *e = &g->nodes[from].edges[i];
            if (g->came_from[e->to] != NOBODY)
                continue;
            g->came_from[e->to] = (long)from;
            g->via[e->to] = e->topic;
            if (e->to != start)
                g->queue[tail++] = e->to;
        }
    }
}

/* The cycle through `start` in the order of the messages, into g->queue, `start` last. Returns its length. */
static size_t trace_cycle(struct graph *g, size_t start)
{
    size_t length = 0;
    for (size_t at = start; length == 0 || at != start; at = (size_t)g->came_from[at])
        g->queue[length++] = at;
    for (size_t i = 0; i < length / 2; i++) {
        size_t other = g->queue[i];
        g->queue[i] = g->queue[length - 1 - i];
        g->queue[length - 1 - i] = other;
    }
    return length;
}

/* After search(start). */
static void describe(struct graph *g, size_t start, char text[CYCLE_TEXT_MAX + sizeof "…"])
{
    size_t length = trace_cycle(g, start);
    size_t used = (size_t)snprintf(text, CYCLE_TEXT_MAX, "%s", g->nodes[start].manifest->function);
    for (size_t i = 0; i < length && used < CYCLE_TEXT_MAX; i++)
        used += (size_t)snprintf(text + used, CYCLE_TEXT_MAX - used, " -> %s (%s)",
                                 g->nodes[g->queue[i]].manifest->function, g->via[g->queue[i]]);
    if (used >= CYCLE_TEXT_MAX)
        strcat(text, "…");
}

static void complain(struct graph *g, size_t start, struct diags *diags)
{
    const struct manifest *m = g->nodes[start].manifest;
    char text[CYCLE_TEXT_MAX + sizeof "…"];
    describe(g, start, text);
    diags_add(diags, m->file, m->function_line, m->function_column,
              "loop: %s; messages would go round, 16 times with MQTT 5, for ever with 3.1.1: make a "
              "trigger or what is published narrower",
              text);
}

/* After search(start): settles all that `start` can trigger and that can trigger `start`. */
static void settle_knot(struct graph *g, size_t start)
{
    bool *reached = take(g, g->count, sizeof *reached);
    for (size_t i = 0; i < g->count && reached; i++)
        reached[i] = g->came_from[i] != NOBODY;
    for (size_t i = 0; i < g->count && reached; i++) {
        if (!reached[i] || g->nodes[i].settled)
            continue;
        search(g, i);
        if (g->came_from[start] != NOBODY)
            g->nodes[i].settled = true;
    }
    free(reached);
}

int lint_topic_graph(const struct manifest *const *manifests, size_t count, struct diags *diags)
{
    struct graph g;
    graph_init(&g, manifests, count);
    for (size_t i = 0; i < count && !g.failed; i++) {
        if (g.nodes[i].settled)
            continue;
        search(&g, i);
        if (g.came_from[i] == NOBODY)
            continue;
        settle_knot(&g, i);
        search(&g, i);
        if (!g.failed)
            complain(&g, i, diags);
    }
    bool failed = g.failed;
    graph_finish(&g);
    return failed ? -ENOMEM : 0;
}

char *lint_circle_through(const struct manifest *const *manifests, size_t count, size_t index)
{
    struct graph g;
    char text[CYCLE_TEXT_MAX + sizeof "…"] = "";
    graph_init(&g, manifests, count);
    if (!g.failed)
        search(&g, index);
    bool found = !g.failed && g.came_from[index] != NOBODY;
    if (found)
        describe(&g, index, text);
    graph_finish(&g);
    return found ? strdup(text) : NULL;
}
