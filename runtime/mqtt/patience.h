/* patience.h: may acknowledgements wait for the next message? Pure.
 *
 * In a conversation, one message after the other, each answered at QoS 1, the broker's PUBACK of the answer
 * comes alone, wakes us, and lets out our PUBACK of the message, which wakes the broker: two wake-ups that
 * nobody waits for. Where the next message is known to come soon, the broker's PUBACK can be read with it,
 * and ours leave with the next answer. It is no gain where nothing more comes before the broker has our
 * PUBACK (its window is 1, or the sender waits for that), so it begins only after a row of exchanges and ends
 * with the first one that is not like them. What waits then does so for PATIENCE_NS and one look at most. */
#ifndef HARK_MQTT_PATIENCE_H
#define HARK_MQTT_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    PATIENCE_ACK_BYTES = 4,        /* PUBACK without a reason; a PUBLISH is longer */
    PATIENCE_EXCHANGES = 16,       /* in a row are a conversation */
    PATIENCE_NS = 2 * 1000 * 1000, /* of silence, and it is none any more */
    PATIENCE_LOOK_NS =
        10 * 1000 * 1000, /* so often it is asked how long the silence lasts; first after PATIENCE_NS */
    PATIENCE_RETRY_MIN_NS = 100 * 1000 * 1000, /* after it was no gain; doubles */
    PATIENCE_PAID = 64                         /* messages in a row were a gain: the next try is near */
};

enum patience_heard {
    PATIENCE_ACK,     /* one acknowledgement, and nothing else */
    PATIENCE_MESSAGE, /* one message, the only one that is not done with; what was sent is acknowledged */
    PATIENCE_COMPANY  /* anything else */
};

#define PATIENCE_RETRY_MAX_NS (10 * 1000 * 1000 * 1000ull)

/* Of one connection. All zero to begin with. */
struct patience {
    bool is_on;                     /* acknowledgements may wait */
    bool is_acked;                  /* the last that came was PATIENCE_ACK */
    uint32_t exchanges;             /* in a row; counted anew when it comes on */
    uint64_t heard_ns;              /* when something came last */
    uint64_t retry_ns, retry_in_ns; /* not on until then; the delay that led there */
};

/* The broker was heard. Changes is_on. */
void patience_heard(struct patience *p, enum patience_heard heard, uint64_t now_ns);

/* The silence lasted too long: acknowledgements wait no longer. */
void patience_over(struct patience *p, uint64_t now_ns);

#endif
