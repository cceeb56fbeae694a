/* id_map.c: chained hash of packet ids, doubled when it is full. */
#include "mqtt/id_map.h"

#include "shared/check.h"

#include <errno.h>
#include <stdlib.h>

enum { BUCKETS_MIN = 8 };

static struct id_node **bucket_of(const struct id_map *map, uint16_t id)
{
    return &map->buckets[id & (map->bucket_count - 1)];
}

static void push(struct id_map *map, struct id_node *node)
{
    struct id_node **bucket = bucket_of(map, node->id);
    node->next = *bucket;
    *bucket = node;
}

static void move_chain(struct id_map *to, struct id_node *node)
{
    while (node) {
        struct id_node *next = node->next;
        push(to, node);
        node = next;
    }
}

static int grow(struct id_map *map)
{
    struct id_map larger = {.count = map->count};
    larger.bucket_count = map->bucket_count ? 2 * map->bucket_count : BUCKETS_MIN;
    larger.buckets = calloc(larger.bucket_count, sizeof *larger.buckets);
    if (!larger.buckets)
        return -ENOMEM;
    for (uint32_t i = 0; i < map->bucket_count; i++)
        move_chain(&larger, map->buckets[i]);
    free(map->buckets);
    *map = larger;
    return 0;
}

int id_map_insert(struct id_map *map, struct id_node *node, uint16_t id)
{
    CHECK(id && !node->id);
    /* A map that cannot grow any more is slower, not broken; one without buckets is. */
    if (map->count >= map->bucket_count && grow(map) < 0 && !map->bucket_count)
        return -ENOMEM;
    node->id = id;
    push(map, node);
    map->count++;
    return 0;
}

struct id_node *id_map_find(const struct id_map *map, uint16_t id)
{
    if (!map->count)
        return NULL;
    struct id_node *node = *bucket_of(map, id);
    while (node && node->id != id)
        node = node->next;
    return node;
}

void id_map_remove(struct id_map *map, struct id_node *node)
{
    if (!node->id)
        return;
    struct id_node **at = bucket_of(map, node->id);
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    node->id = 0;
    map->count--;
}

void id_map_finish(struct id_map *map)
{
    free(map->buckets);
    *map = (struct id_map){0};
}
