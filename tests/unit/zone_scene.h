/* zone_scene.h: time zones for the tests of schedule/, from the system's tzdata or made up. */
#ifndef TESTS_UNIT_ZONE_SCENE_H
#define TESTS_UNIT_ZONE_SCENE_H

#include "schedule/zone.h"

/* A zone of /usr/share/zoneinfo; fails the test when there is none. zone_free. */
struct zone *zone_of_system(const char *name);

/* A zone without changes but for the rule ("CET-1CEST,M3.5.0,M10.5.0/3"). zone_free. */
struct zone *zone_of_rule(const char *rule);

struct zone_change {
    int64_t at;
    int32_t offset_s;
};

/* A TZif file of version 2 with these changes (the first offset is 0) and footer. Returns its bytes. */
size_t zone_file(char *file, size_t size, const struct zone_change *changes, size_t count,
                 const char *footer);

/* Seconds since 1970 of "2026-03-29 02:30", read as UTC. */
int64_t at(const char *text);

#endif
