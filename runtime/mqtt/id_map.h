/* id_map.h: packet ids in use, and what each stands for.
 *
 * In the dispatcher, on its loop. An intrusive hash: the owner embeds a struct id_node and finds itself back
 * by its address. Ids are mostly consecutive, so the low bits spread them perfectly. An empty map has no
 * memory. */
#ifndef HARK_MQTT_ID_MAP_H
#define HARK_MQTT_ID_MAP_H

#include <stddef.h>
#include <stdint.h>

struct id_node {
    struct id_node *next;
    uint16_t id;  /* 0: not in a map */
    uint8_t kind; /* the owner's word for what embeds it */
};

/* A zeroed struct is an empty map. */
struct id_map {
    struct id_node **buckets;
    uint32_t bucket_count; /* 0 or a power of two */
    uint32_t count;
};

/* The node is not in a map and id is not in this one. 0 or -ENOMEM. */
__attribute__((warn_unused_result)) int id_map_insert(struct id_map *map, struct id_node *node, uint16_t id);
struct id_node *id_map_find(const struct id_map *map, uint16_t id); /* NULL: not in use */
/* Harmless for a node that is in no map. */
void id_map_remove(struct id_map *map, struct id_node *node);
/* Gives the memory back; the nodes are their owners'. */
void id_map_finish(struct id_map *map);

#endif
