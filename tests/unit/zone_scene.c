#include "zone_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

enum { HEADER_BYTES = 44, TYPE_BYTES = 6 };

struct zone *zone_of_system(const char *name)
{
    static char bytes[ZONE_FILE_MAX];
    char path[128];
    struct zone *z = NULL;
    const char *why;
    snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
    FILE *f = fopen(path, "re");
    if (!f)
        fail_msg("%s is missing: install tzdata", path);
    size_t len = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    assert_int_equal(zone_parse(slice_make(bytes, len), &z, &why), 0);
    return z;
}

struct zone *zone_of_rule(const char *rule)
{
    char file[256];
    struct zone *z = NULL;
    const char *why;
    size_t len = zone_file(file, sizeof file, NULL, 0, rule);
    assert_int_equal(zone_parse(slice_make(file, len), &z, &why), 0);
    return z;
}

static char *put(char *to, uint64_t number, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (char)(number >> 8 * (bytes - 1 - i));
    return to + bytes;
}

static char *put_header(char *to, size_t times, size_t types)
{
    memset(to, 0, HEADER_BYTES);
    memcpy(to, "TZif2", 5);
    put(put(to + 32, times, 4), types, 4);
    return to + HEADER_BYTES;
}

size_t zone_file(char *file, size_t size, const struct zone_change *changes, size_t count, const char *footer)
{
    char *to = put_header(put_header(file, 0, 0), count, count + 1);
    assert_true(2 * HEADER_BYTES + count * 9 + (count + 1) * TYPE_BYTES + strlen(footer) + 2 < size);
    for (size_t i = 0; i < count; i++)
        to = put(to, (uint64_t)changes[i].at, 8);
    for (size_t i = 0; i < count; i++)
        to = put(to, i + 1, 1);
    for (size_t i = 0; i <= count; i++)
        to = put(put(to, i ? (uint32_t)changes[i - 1].offset_s : 0, 4), 0, 2);
    return (size_t)(to - file) + (size_t)sprintf(to, "\n%s\n", footer);
}

int64_t at(const char *text)
{
    struct tm tm = {0};
    assert_int_equal(
        sscanf(text, "%d-%d-%d %d:%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min), 5);
    tm.tm_year -= 1900;
    tm.tm_mon--;
    return timegm(&tm);
}
