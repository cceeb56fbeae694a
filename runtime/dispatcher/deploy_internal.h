/* deploy_internal.h: what deploy.c (scan), source.c (one manifest's way to a function), source_records.c
 * (what is to be on the disk before) and source_move.c (from one broker to another) share. */
#ifndef HARK_DISPATCHER_DEPLOY_INTERNAL_H
#define HARK_DISPATCHER_DEPLOY_INTERNAL_H

#include "dispatcher/deploy.h"
#include "dispatcher/stage.h"
#include "dispatcher/watch.h"
#include "shared/clock.h"

#define SOURCE_GRACE_NS (10 * NS_PER_S) /* for an undeployed function to finish what it has */

enum { DEPLOY_PROBES_MAX = 4 }; /* workers started for probing at the same time */

enum source_phase {
    SOURCE_QUIET,     /* nothing to do until its files change */
    SOURCE_LOADING,   /* a stage reads the files */
    SOURCE_LOADED,    /* read; its turn to claim its function's name has not come */
    SOURCE_CLAIMED,   /* a function is to begin, and its session record to be written */
    SOURCE_RECORDING, /* that is done */
    SOURCE_WAITING,   /* for a free place to be probed */
    SOURCE_PROBING
};

struct source_signature {
    struct file_signature manifest, handler;
    uint64_t other;   /* of the place where the handler is not */
    uint64_t config;  /* of all its files */
    uint64_t granted; /* of what `sandbox` names; only looked at after a refusal for want of it */
    bool is_trusted;  /* only looked at after a refusal for want of it: folders count there, not only files */
};

/* A manifest in the folder. */
struct source {
    TAILQ_ENTRY(source) link; /* by path */
    struct deployer *deployer;
    char *path;
    enum source_phase phase;
    struct source_signature seen;  /* at the last scan */
    struct source_signature tried; /* at the last stage */
    bool has_tried;
    bool present;              /* in the folder at the last scan */
    char *handler_path;        /* as of the last good manifest; NULL: unknown */
    char *other_path;          /* where the handler may come to be instead; NULL: nowhere */
    char **config_files;       /* likewise, ends in NULL; NULL: none */
    char **lacking;            /* paths that it was refused for: some of them; ends in NULL; NULL: none */
    bool is_untrusted;         /* refused, because somebody else could change its files */
    struct stage *stage;       /* NULL: none */
    struct function *function; /* that it runs as; NULL: none */
    bool twin;                 /* refused, because another manifest has its function's name */
    bool is_behind;            /* no manifest (path ""): what a function left behind at its old broker */
    char *announced; /* the version it replaces ("" for none), until its deploy is announced; NULL: nothing to
                        say */
};

struct deployer {
    struct node *node;
    char *manifests, *functions;
    const struct deployer_events *events;
    void *user;
    struct watch *watch;
    TAILQ_HEAD(source_list, source) sources;
    unsigned probing;
    unsigned function_count; /* that exist, ending ones included */
    bool recording;          /* a thread writes session records */
    bool scanned, ready, draining;
    bool advancing, again;
    uv_idle_t idle; /* carries the end into a turn of its own */
    bool ending;
    bool folder_trouble;
    size_t few_files_said; /* manifests, when it was said that they need more descriptors than there are */
};

/* source.c */
struct source *source_create(struct deployer *d, const char *path); /* NULL: out of memory */
void source_destroy(struct source *s);                              /* has no function */
/* When files that have changed are read: a writer may not be done with them. */
enum source_settle {
    SOURCE_AT_ONCE,
    SOURCE_WHEN_STILL, /* as at the last look, or by their own times not touched since */
    SOURCE_WHEN_SAME   /* as at the last look */
};
void source_look(struct source *s, enum source_settle settle); /* files changed? then stage */
bool source_may_claim(const struct source *s); /* a new manifest on its way: it may carry on a function that
                                                  an absent one left */
void source_leave(struct source *s, uint64_t grace_ns); /* undeploys what it runs as */

/* Loaded: claims its function's name. False: the name is not free yet, ask again later. */
bool source_claim(struct source *s);
void source_probe(struct source *s);
void source_cancel(struct source *s); /* ends its stage */

void source_hand_function(struct source *from, struct source *to);
extern const struct function_events source_events; /* user: struct source */

/* source_records.c */
/* A session record is written before the broker is asked for anything, by a thread, and those of all
 * functions that are to begin under one flush: the loop would wait for the disk twice for each. */
void records_write(struct deployer *d);

/* source_move.c */
/* Its function is to have this broker from now on: the source has no function after it. False: out of memory,
 * and all is as before. */
__attribute__((warn_unused_result)) bool move_away(struct source *s, const struct broker *next);
/* True: what a function of that name left at that broker is not over yet. It is told to stop, and leaves its
 * session, to be taken up again. */
bool move_holds(struct source *s, const char *name, const struct broker *broker);
/* An earlier hark may have left sessions at other brokers of the node: fetches what is queued in them. */
void move_finish(struct source *s, struct broker *broker, struct revision *revision);

/* deploy.c */
void deployer_advance(
    struct deployer *d); /* claims in order of paths, free places for probes, ready, the end */
struct source *deployer_owner(struct deployer *d, const char *function, const struct source *except);
void deployer_retry_twins(struct deployer *d); /* a name is free again */

/* circle.c */
/* The circle of functions that this one is in, in words, or NULL. The caller frees. */
char *deployer_circle(const struct deployer *d, const struct function *f);

#endif
