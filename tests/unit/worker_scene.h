/* worker_scene.h: a loop, a zygote, and workers that a test watches from the dispatcher's end. */
#ifndef TESTS_UNIT_WORKER_SCENE_H
#define TESTS_UNIT_WORKER_SCENE_H

#include "dispatcher/worker.h"
#include "support/test.h"

enum { ACTOR_CALLS_MAX = 64, ACTOR_LOG_MAX = 8192 };

/* A worker and all that it was heard to say. */
struct actor {
    struct worker *w; /* NULL once it has ended */
    struct revision *revision;
    struct call calls[ACTOR_CALLS_MAX];
    enum wire_result results[ACTOR_CALLS_MAX];
    unsigned sent, answered, outputs;
    unsigned kept; /* times that it was told to keep outputs */
    bool cannot_keep;
    int births;
    bool ready, ended;
    enum worker_cause cause;
    bool was_ready;
    char text[480];
    int guilty;    /* index of the call; -1: none */
    unsigned left; /* calls without a result */
    char log[ACTOR_LOG_MAX];
    size_t log_lines, log_bytes, longest_line;
};

/* What every test of workers stands on. The manifest is each new actor's to copy: change it before. */
struct scene {
    uv_loop_t loop;
    struct zygote *zygote;
    struct worker_io *io;
    struct manifest manifest;
};
extern struct scene scene;

void scene_open(const char *program);
void scene_close(void); /* asserts that nothing is left on the loop */

/* Runs the loop until *flag is true; 20 s without it fail the test. */
void scene_until(const bool *flag);
void scene_until_it_is(bool (*so)(void));
void scene_until_answered(const struct actor *a, unsigned results);
void scene_turn(void); /* what is due by now */

/* When the zygote dies, there is none until the test ends the pause: on a busy machine the usual one may be
 * over before anybody has looked. To be said again before each death. */
void scene_hold_pause(void);
void scene_end_pause(void);

/* A revision whose handler is a memfd that holds the script's name, or the file at a path. */
struct revision *scene_script(const char *name);
struct revision *scene_handler(const char *path);
void scene_free_revision(struct revision *r);

/* Starts a worker; the actor takes over the revision. Freed by actor_forget. */
struct actor *actor_start(struct revision *revision);
void actor_until_ready(struct actor *a);
void actor_call(struct actor *a);
void actor_call_in_chain(struct actor *a, uint64_t chain, const char *topic, const char *payload);
void actor_until_ended(struct actor *a);
void actor_forget(struct actor *a);

size_t open_fds(void);

#endif
