/* alarm: rings in a room at its first sign of smoke, and until the air was clear three times in a row.
 *
 * Shows: state that lives from message to message in a warm worker, and a retained message, so that whoever
 * subscribes later learns how things are. Try it:
 *
 *     mosquitto_sub -t 'home/+/alarm' -v &
 *     mosquitto_pub -t home/cellar/smoke -m 1
 *     mosquitto_pub -t home/cellar/smoke -m 0     # three times
 */
#include <hark/function.h>

#include <stdio.h>
#include <string.h>

enum { ROOMS_MAX = 64, ROOM_NAME_MAX = 63, CLEAR_READINGS = 3 };

enum state { UNKNOWN, QUIET, RINGING };

struct room {
    char name[ROOM_NAME_MAX + 1];
    enum state state;
    unsigned clear; /* readings without smoke in a row */
};

/* The worker's memory of the house. The manifest sees to it that there is one worker (instances: max 1) and
 * keeps it (min 1), yet a memory like this may go at any time: with a crash, a new version, a power cut. So a
 * room starts as UNKNOWN, and its first reading puts the retained message right. What must not be lost
 * belongs into a message. */
static struct room rooms[ROOMS_MAX];

/* The room's entry, new or old; NULL when the house is full or the name is none. */
static struct room *find_room(const char *name)
{
    if (!*name || strlen(name) > ROOM_NAME_MAX)
        return NULL;
    for (size_t i = 0; i < ROOMS_MAX; i++) {
        if (!rooms[i].name[0])
            strcpy(rooms[i].name, name);
        if (strcmp(rooms[i].name, name) == 0)
            return &rooms[i];
    }
    return NULL;
}

/* The room after a reading. */
static struct room after(const struct room *before, bool smoke)
{
    struct room room = *before;
    room.clear = smoke ? 0 : room.clear + 1;
    if (smoke)
        room.state = RINGING;
    else if (room.state != RINGING || room.clear >= CLEAR_READINGS)
        room.state = QUIET; /* but one clear reading between two puffs of smoke is no all-clear */
    return room;
}

static int publish_state(struct hark_context *ctx, const struct room *room)
{
    char topic[ROOM_NAME_MAX + 32];
    const char *text = room->state == RINGING ? "on" : "off";
    snprintf(topic, sizeof topic, "home/%s/alarm", room->name);
    struct hark_message message = {
        .topic = topic, .payload = text, .payload_len = strlen(text), .qos = 1, .retained = true};
    return hark_publish_message(ctx, &message);
}

static bool parse_reading(const struct hark_message *in, bool *ret_smoke)
{
    const char *text = in->payload;
    *ret_smoke = text[0] == '1'; /* an empty payload still has its NUL */
    return in->payload_len == 1 && (text[0] == '0' || text[0] == '1');
}

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    bool smoke;
    if (!parse_reading(in, &smoke))
        return HARK_REJECT;
    struct room *room = find_room(hark_capture(ctx, "room"));
    if (!room)
        return HARK_REJECT;
    struct room next = after(room, smoke);
    int error = next.state == room->state ? 0 : publish_state(ctx, &next);
    /* Last, so that a reading that has to be tried again finds the memory as it was. */
    if (!error)
        *room = next;
    return error;
}

HARK_FUNCTION(.handle = handle);
