/* wire.h: what the dispatcher, the zygote and the workers say to each other. Pure: no I/O.
 *
 * A worker's channel is one stream socketpair. It carries frames: a header (length of the body, type, call
 * id), then the body. Numbers are in the machine's own byte order; both ends are one build on one machine. A
 * string in a body is a 32-bit length, its bytes, and a NUL that is not counted, so that a worker can hand
 * out C strings in place; length 0xffffffff means absent, and has no NUL.
 *
 * The reader trusts nothing: every length is bounded by the frame, trailing bytes are refused, booleans are 0
 * or 1, a count is bounded before anything is allocated for it. A body that breaks a rule is -EBADMSG. */
#ifndef HARK_SHARED_WIRE_H
#define HARK_SHARED_WIRE_H

#include "shared/buffer.h"
#include "shared/grants.h"
#include "shared/layers.h"
#include "shared/slice.h"
#include "shared/topic.h"

#include <stdint.h>

enum {
    WIRE_HEADER_BYTES = 16,
    WIRE_PROPERTIES_MAX = 64,       /* user properties of one message */
    WIRE_CONFIG_MAX = 256,          /* pairs of one function's config */
    WIRE_PUBLISHES_MAX = 256,       /* patterns of one function's publishes */
    WIRE_LOG_TEXT_MAX = 4000,       /* bytes of one log line; the worker cuts what is longer */
    WIRE_OVERHEAD_MAX = 1024 * 1024 /* what a frame may have beyond the payload: topic, properties, … */
};

enum wire_type {
    /* dispatcher to worker */
    WIRE_SETUP = 1, /* once, first, and with its first byte the .so by SCM_RIGHTS: who the function is and
                     * what it may do */
    WIRE_INVOKE,    /* one message to handle */
    WIRE_STOP,      /* run stop(), flush, exit 0; nothing follows */
    /* worker to dispatcher */
    WIRE_READY,   /* the .so is loaded and start() returned 0 */
    WIRE_FAILED,  /* it is not: why, in words; the worker exits after it */
    WIRE_PUBLISH, /* an output of call `call`; held until its RESULT */
    WIRE_REPLY,   /* an output to the response topic of call `call`: payload only */
    WIRE_LOG,     /* a line of hark_log(); call 0 outside a call */
    WIRE_RESULT,  /* call `call` is over; everything it put out came before */
    WIRE_STOPPED  /* stop() returned; the last frame */
};

struct wire_header {
    uint32_t length; /* bytes of the body */
    uint32_t type;   /* enum wire_type */
    uint64_t call;   /* 1, 2, 3, … chosen by the dispatcher; 0 where no call is meant */
};

/* A message as it travels, in either direction. All slices are borrowed. */
struct wire_message {
    struct slice topic; /* absent: a timer event */
    struct slice payload;
    struct slice content_type;   /* absent when not given */
    struct slice response_topic; /* likewise */
    struct slice correlation;    /* likewise */
    const struct property *properties;
    uint32_t property_count;
    uint32_t expiry_s; /* 0: does not expire */
    uint8_t qos;       /* 0..2 */
    bool retained;
};

struct wire_setup {
    struct slice function;
    struct slice handler; /* the file's name, for messages only */
    struct slice script;  /* its text, when the handler is one and the .so its adapter; else absent */
    const struct property *config;
    uint32_t config_count;
    const struct slice *publishes; /* patterns */
    uint32_t publish_count;
    uint64_t payload_max_bytes; /* of one output */
    uint32_t publishes_max;     /* outputs of one invocation */
    bool publish_anywhere;      /* no list of patterns: `hark invoke FILE.so` */
};

struct wire_invoke {
    uint64_t chain; /* order: after a call of chain C did not end with HARK_OK, calls of C already on their
                     * way are not run but answered with WIRE_RESULT_SKIPPED. 0: no chain */
    uint64_t timeout_ns;
    uint32_t attempt; /* 1 on the first try */
    struct topic_captures captures;
    struct wire_message message;
};

/* body of WIRE_RESULT: one 32-bit number */
enum wire_result {
    WIRE_RESULT_OK = 0,
    WIRE_RESULT_RETRY = 1,
    WIRE_RESULT_REJECT = 2,
    WIRE_RESULT_SKIPPED = 3
};

/* Encoders: append one whole frame. Out of memory marks the buffer failed. */
void wire_put_setup(struct buffer *out, const struct wire_setup *setup);
void wire_put_invoke(struct buffer *out, uint64_t call, const struct wire_invoke *invoke);
void wire_put_publish(struct buffer *out, uint64_t call, const struct wire_message *message);
/* The same without the bytes of the payload, which are to leave from where they lie. Returns where they
 * belong, as an offset into what `out` holds then: buffer_fill. */
size_t wire_put_invoke_around(struct buffer *out, uint64_t call, const struct wire_invoke *invoke);
size_t wire_put_publish_around(struct buffer *out, uint64_t call, const struct wire_message *message);
void wire_put_reply(struct buffer *out, uint64_t call, struct slice payload);
void wire_put_log(struct buffer *out, uint64_t call, uint32_t level, struct slice text);
void wire_put_result(struct buffer *out, uint64_t call, enum wire_result result);
void wire_put_failed(struct buffer *out, struct slice reason);
void wire_put_empty(struct buffer *out, enum wire_type type); /* STOP, READY, STOPPED */

/* Takes the next whole frame from data[len]. 1: *ret_header and *ret_body (borrowed from data) are filled in,
 * and the frame is WIRE_HEADER_BYTES + header.length bytes long. 0: incomplete. -EBADMSG: the body is longer
 * than body_max_bytes or the type is unknown: the peer is broken. */
__attribute__((warn_unused_result)) int wire_next(const uint8_t *data, size_t len, size_t body_max_bytes,
                                                  struct wire_header *ret_header, struct slice *ret_body);

/* Decoders of bodies: 0 or -EBADMSG. What they return is borrowed from the body; `properties` (and config,
 * publishes) is caller's storage of WIRE_PROPERTIES_MAX (WIRE_CONFIG_MAX, WIRE_PUBLISHES_MAX) items. */
__attribute__((warn_unused_result)) int wire_get_setup(struct slice body, struct wire_setup *ret_setup,
                                                       struct property *config, struct slice *publishes);
__attribute__((warn_unused_result)) int wire_get_invoke(struct slice body, struct wire_invoke *ret_invoke,
                                                        struct property *properties);
__attribute__((warn_unused_result)) int wire_get_publish(struct slice body, struct wire_message *ret_message,
                                                         struct property *properties);
__attribute__((warn_unused_result)) int wire_get_reply(struct slice body, struct slice *ret_payload);
__attribute__((warn_unused_result)) int wire_get_log(struct slice body, uint32_t *ret_level,
                                                     struct slice *ret_text);
__attribute__((warn_unused_result)) int wire_get_result(struct slice body, enum wire_result *ret_result);
__attribute__((warn_unused_result)) int wire_get_failed(struct slice body, struct slice *ret_reason);

/* The flight recorder: one page, a memfd mapped by the worker (read-write) and the dispatcher (read-only).
 * The worker stores start_ns, then call with release order, before it enters the function, and call = 0 when
 * it has left it. A worker that lies here moves the blame among its own function's messages, nothing else. */
struct wire_recorder {
    _Atomic uint64_t call;     /* the call being executed; 0: none */
    _Atomic uint64_t start_ns; /* CLOCK_MONOTONIC when it was entered */
};

/* The zygote's control socket: SOCK_SEQPACKET, one struct a packet; behind an order to fork stand the grants
 * of the function, grants_encode(). */
enum {
    ZYGOTE_FD = 3,       /* where hark-worker finds it at start */
    ZYGOTE_CGROUP_FD = 4 /* where it finds cgroup.procs of the cgroup it is to be in, if it is told so */
};

/* hark-unsealed, which is a worker without a zygote and without a seal: where it finds what a worker has, and
 * in which variable of its environment the path of its .so. */
enum { UNSEALED_CHANNEL_FD = 3, UNSEALED_RECORDER_FD = 4 };
#define UNSEALED_HANDLER "HARK_UNSEALED_HANDLER"

/* PING is answered by PONG, and has no more to it. */
enum zygote_order_type { ZYGOTE_FORK = 1, ZYGOTE_KILL, ZYGOTE_PING };

/* FORK comes with three fds by SCM_RIGHTS in this order, and perhaps a fourth: the folder of the cgroup that
 * the worker is born into. The zygote closes its copies after the fork; the worker never has the fourth. What
 * the worker is for, it learns from its channel: so it can be forked before anybody knows. */
enum zygote_fd {
    ZYGOTE_FD_CHANNEL,
    ZYGOTE_FD_RECORDER,
    ZYGOTE_FD_LOG,
    ZYGOTE_FD_COUNT, /* that a worker gets */
    ZYGOTE_FD_CGROUP = ZYGOTE_FD_COUNT,
    ZYGOTE_FDS_MAX
};

/* What a worker may use, from the manifest's `limits`. */
struct seal_limits {
    uint64_t data_bytes; /* RLIMIT_DATA: heap, stack of threads, private mappings; 0: no limit */
    uint32_t cpu_s;      /* RLIMIT_CPU of the whole worker: a backstop; 0: no limit */
    uint32_t threads;    /* the most, the first included; 1: the function may not start any */
    uint32_t files;      /* RLIMIT_NOFILE: descriptors of the function's own, beside the worker's */
    uint64_t file_bytes; /* RLIMIT_FSIZE: how large it may make a file; 0: it may write none */
};

struct zygote_order {
    uint32_t type;
    uint32_t worker; /* chosen by the dispatcher, never used twice */
    struct seal_limits limits;
    uint32_t is_spare;     /* FORK: 1: nobody waits for it yet, so it has time to practise */
    uint32_t grants_bytes; /* that follow; at most GRANTS_BYTES_MAX */
};

enum zygote_report_type { ZYGOTE_STARTED = 1, ZYGOTE_EXITED, ZYGOTE_FORK_FAILED, ZYGOTE_LAYERS, ZYGOTE_PONG };

/* The zygote's first packet, before it takes orders. */
struct zygote_layers {
    uint32_t type; /* ZYGOTE_LAYERS */
    uint32_t uid;  /* that workers run as, as the host sees it */
    struct layer_state layers[LAYER_COUNT];
};

struct zygote_report {
    uint32_t type;
    uint32_t worker;
    int32_t pid;
    int32_t status; /* EXITED: as waitpid(2) gives it; FORK_FAILED: a positive errno */
};

#endif
