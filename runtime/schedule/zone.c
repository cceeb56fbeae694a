#include "schedule/zone.h"

#include "schedule/zone_rule.h"

#include <errno.h>
#include <stdlib.h>

enum { HEADER_BYTES = 44, TYPE_BYTES = 6, TYPES_MAX = 256 };

struct change {
    int64_t at;
    int32_t offset_s; /* from then on */
};

struct zone {
    struct zone_rule rule; /* from the last change on */
    bool has_rule;
    int32_t first_offset_s; /* before the first change */
    size_t count;
    struct change changes[]; /* ascending */
};

/* ---- the file ---- */

struct header {
    int version;
    uint32_t ut_flags, standard_flags, leaps, times, types, name_bytes;
};

static int64_t read_number(const char *at, size_t bytes)
{
    uint64_t number = (unsigned char)at[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < bytes; i++)
        number = number << 8 | (unsigned char)at[i];
    return (int64_t)number;
}

static uint32_t read_count(const char *at)
{
    return (uint32_t)read_number(at, 4);
}

static bool take(struct slice *rest, uint64_t bytes, struct slice *ret_piece)
{
    if (rest->len < bytes)
        return false;
    *ret_piece = slice_make(rest->data, (size_t)bytes);
    *rest = slice_make(rest->data + bytes, rest->len - (size_t)bytes);
    return true;
}

static bool take_header(struct slice *rest, struct header *h)
{
    struct slice piece;
    if (!take(rest, HEADER_BYTES, &piece) || !slice_starts_with(piece, "TZif"))
        return false;
    const char *at = piece.data + 20;
    *h = (struct header){piece.data[4] ? piece.data[4] - '0' : 1,
                         read_count(at),
                         read_count(at + 4),
                         read_count(at + 8),
                         read_count(at + 12),
                         read_count(at + 16),
                         read_count(at + 20)};
    return true;
}

/* Of what follows the types; times have 4 bytes in version 1, 8 later. */
static uint64_t tail_bytes(const struct header *h, size_t time_bytes)
{
    return h->name_bytes + (uint64_t)h->leaps * (time_bytes + 4) + h->standard_flags + (uint64_t)h->ut_flags;
}

static bool skip_block(struct slice *rest, const struct header *h)
{
    struct slice piece;
    return take(rest, (uint64_t)h->times * 5 + (uint64_t)h->types * TYPE_BYTES + tail_bytes(h, 4), &piece);
}

static bool read_offset(struct slice types, size_t index, int32_t *ret_offset_s)
{
    if (index >= types.len / TYPE_BYTES)
        return false;
    int64_t offset_s = read_number(types.data + index * TYPE_BYTES, 4);
    *ret_offset_s = (int32_t)offset_s;
    return offset_s >= -ZONE_OFFSET_MAX_S && offset_s <= ZONE_OFFSET_MAX_S;
}

static bool fill(struct zone *z, const struct header *h, size_t time_bytes, struct slice *rest)
{
    struct slice times, indexes, types, tail;
    if (!take(rest, (uint64_t)h->times * time_bytes, &times) || !take(rest, h->times, &indexes) ||
        !take(rest, (uint64_t)h->types * TYPE_BYTES, &types) ||
        !take(rest, tail_bytes(h, time_bytes), &tail) || !read_offset(types, 0, &z->first_offset_s))
        return false;
    for (; z->count < h->times; z->count++) {
        struct change *c = &z->changes[z->count];
        c->at = read_number(times.data + z->count * time_bytes, time_bytes);
        if (!read_offset(types, (unsigned char)indexes.data[z->count], &c->offset_s) ||
            (z->count > 0 && c->at <= c[-1].at))
            return false;
    }
    return true;
}

/* "\n" rule "\n"; an empty rule: what was last stays. */
static bool fill_rule(struct zone *z, struct slice footer)
{
    if (footer.len < 2 || footer.data[0] != '\n')
        return false;
    const char *end = memchr(footer.data + 1, '\n', footer.len - 1);
    if (!end)
        return false;
    struct slice text = slice_make(footer.data + 1, (size_t)(end - footer.data) - 1);
    z->has_rule = text.len > 0;
    return text.len == 0 || zone_rule_parse(text, &z->rule) == 0;
}

int zone_parse(struct slice tzif, struct zone **ret_zone, const char **ret_why)
{
    struct header h;
    *ret_why = "is no time zone: it is damaged, or something else";
    if (!take_header(&tzif, &h))
        return -EINVAL;
    bool is_old = h.version == 1;
    if (!is_old && (!skip_block(&tzif, &h) || !take_header(&tzif, &h)))
        return -EINVAL;
    if (h.types == 0 || h.types > TYPES_MAX || h.times > tzif.len)
        return -EINVAL;
    if (h.leaps > 0) {
        *ret_why = "counts leap seconds, which this system's clock does not: name the zone without right/";
        return -EINVAL;
    }
    struct zone *z = calloc(1, sizeof *z + h.times * sizeof *z->changes);
    if (!z)
        return -ENOMEM;
    if (!fill(z, &h, is_old ? 4 : 8, &tzif) || (!is_old && !fill_rule(z, tzif))) {
        zone_free(z);
        return -EINVAL;
    }
    *ret_zone = z;
    return 0;
}

void zone_free(struct zone *z)
{
    free(z);
}

/* ---- moments ---- */

/* The last change that is not after t; there is one. */
static size_t find(const struct zone *z, int64_t t)
{
    size_t low = 0, high = z->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (z->changes[middle].at <= t)
            low = middle;
        else
            high = middle;
    }
    return low;
}

struct zone_segment zone_segment_at(const struct zone *z, int64_t t)
{
    struct zone_segment s = {INT64_MIN, INT64_MAX, z ? z->first_offset_s : 0};
    if (!z)
        return s;
    if (z->count > 0 && t < z->changes[0].at) {
        s.end = z->changes[0].at;
        return s;
    }
    size_t i = z->count ? find(z, t) : 0;
    if (i + 1 < z->count)
        return (struct zone_segment){z->changes[i].at, z->changes[i + 1].at, z->changes[i].offset_s};
    if (z->has_rule)
        s = zone_rule_segment_at(&z->rule, t);
    else if (z->count)
        s.offset_s = z->changes[i].offset_s;
    if (z->count && s.start < z->changes[i].at)
        s.start = z->changes[i].at;
    return s;
}

/* ---- names ---- */

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           memchr("_+-", c, 3) != NULL;
}

const char *zone_name_check(struct slice name)
{
    static const char rule[] = "not a time zone's name: write one of tzdata's, for instance Europe/Berlin";
    bool at_start = true; /* of a part */
    if (name.len == 0 || name.len > ZONE_NAME_MAX)
        return rule;
    for (size_t i = 0; i < name.len; i++) {
        bool slash = name.data[i] == '/';
        if (slash ? at_start : !is_name_character(name.data[i]))
            return rule;
        at_start = slash;
    }
    return at_start ? rule : NULL;
}
