#include "dispatcher/runtime.h"

#include "dispatcher/deploy.h"
#include "dispatcher/presence.h"
#include "shared/check.h"
#include "shared/clock.h"
#include "shared/log.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { EXIT_DATA = 65, EXIT_INTERNAL = 70, EXIT_NOT_PERMITTED = 77 };

struct runtime {
    struct node node;
    struct slabs slabs;
    char *node_name;
    char *manifests, *functions;
    size_t closing;            /* presences that are */
    struct deployer *deployer; /* NULL before the presence is settled, and once it is drained */
    bool stopped;              /* what comes after the deployer is on its way */
    void (*ready)(void *user);
    void (*occupied)(void *user, const char *text);
    void *user;
    void (*done)(void *user);
    void *done_user;
};

/* ---- an observer that looks away ---- */

static void unseen_received(void *user, const char *function, const struct mqtt_message *message)
{
    (void)user, (void)function, (void)message;
}

static void unseen_finished(void *user, const char *function, const struct mqtt_message *message,
                            const char *outcome, uint64_t duration_ns)
{
    (void)user, (void)function, (void)message, (void)outcome, (void)duration_ns;
}

static void unseen_published(void *user, const char *function, const struct mqtt_publish *publish)
{
    (void)user, (void)function, (void)publish;
}

static void unseen_settled(void *user)
{
    (void)user;
}

static const struct observer unseen = {unseen_received, unseen_finished, unseen_published, unseen_settled};

/* ---- brokers ---- */

static const char *name_of_broker(const void *list, size_t i)
{
    return ((struct broker *const *)list)[i]->name;
}

struct broker *node_broker(const struct node *node, const struct manifest *m, struct diag *diag)
{
    if (node->one_for_all)
        return node->brokers[0];
    ssize_t i = broker_find(m, name_of_broker, node->brokers, node->broker_count, diag);
    return i < 0 ? NULL : node->brokers[i];
}

/* ---- start ---- */

int runtime_check_folder(const char *path, struct diag *diag, int *ret_exit_code)
{
    DIR *folder = opendir(path);
    if (folder) {
        closedir(folder);
        return 0;
    }
    int error = errno;
    diag_set(diag, NULL, 0, 0, "cannot read folder %s: %s", path, strerror(error));
    *ret_exit_code = error == EACCES || error == EPERM ? EXIT_NOT_PERMITTED : EXIT_DATA;
    return -error;
}

static uint64_t random_seed(void)
{
    uint64_t seed = 0;
    while (seed == 0)
        CHECK(getrandom(&seed, sizeof seed, 0) == (ssize_t)sizeof seed);
    return seed;
}

static int open_state(struct runtime *r, const struct runtime_options *options, struct diag *diag,
                      int *ret_exit_code)
{
    int error = 0;
    r->node.state = state_open(options->state, options->node, &error, diag);
    if (r->node.state)
        return 0;
    bool barred = error == -EACCES || error == -EPERM || error == -EROFS || error == -EWOULDBLOCK;
    *ret_exit_code = barred ? EXIT_NOT_PERMITTED : EXIT_INTERNAL;
    return error;
}

/* Without a place for them dead letters are published as ever. */
static void open_dead_keeper(struct runtime *r, const struct runtime_options *options)
{
    struct diag diag;
    char line[DIAG_FORMATTED_MAX], *path = NULL;
    const struct dead_keeper_limits limits = {options->dead_letters_max, options->dead_letters_bytes};
    if (limits.count == 0 || limits.bytes == 0)
        return;
    int folder = state_open_folder(r->node.state, "dead", &diag);
    if (folder < 0) {
        log_error("dead letters are not kept: %s", diag_format(&diag, line, sizeof line));
        return;
    }
    CHECK(asprintf(&path, "%s/dead", state_path(r->node.state)) > 0);
    r->node.dead_keeper = dead_keeper_create(r->node.loop, folder, path, &limits);
    CHECK(r->node.dead_keeper);
    free(path);
}

static void on_ready(void *user, unsigned functions)
{
    struct runtime *r = user;
    log_info("ready: %u functions", functions);
    r->ready(r->user);
}

static void destroy(struct runtime *r)
{
    for (size_t i = 0; i < r->node.broker_count; i++)
        broker_destroy(r->node.brokers[i]);
    free(r->node.brokers);
    state_close(r->node.state);
    free(r->node_name);
    free(r->manifests);
    free(r->functions);
    slabs_finish(&r->slabs);
    free(r);
}

static int open_brokers(struct runtime *r, const struct runtime_options *options, struct diag *diag,
                        int *ret_exit_code)
{
    r->node.brokers = must_alloc(options->broker_count * sizeof *r->node.brokers);
    r->node.one_for_all = options->one_for_all;
    for (size_t i = 0; i < options->broker_count; i++) {
        int error;
        struct broker *b = broker_create(&options->brokers[i], &error, diag);
        if (!b) {
            *ret_exit_code = broker_exit_code(error);
            return error;
        }
        r->node.brokers[r->node.broker_count++] = b;
    }
    return 0;
}

static void on_letters_kept(void *user)
{
    struct runtime *r = user;
    mqtt_io_close(r->node.mqtt_io);
    r->done(r->done_user);
    destroy(r);
}

static void on_workers_gone(void *user)
{
    struct runtime *r = user;
    dead_keeper_close(r->node.dead_keeper, on_letters_kept, r);
}

static void on_presence_closed(void *user)
{
    struct runtime *r = user;
    if (--r->closing == 0)
        worker_io_close(r->node.worker_io, on_workers_gone, r);
}

static void on_drained(void *user)
{
    struct runtime *r = user;
    r->deployer = NULL;
    r->stopped = true;
    r->closing = r->node.broker_count;
    for (size_t i = 0; i < r->node.broker_count; i++)
        presence_close(r->node.brokers[i], on_presence_closed, r);
}

/* ---- presence ---- */

/* Functions come only now: their sessions would be taken away from another hark of this name. That is so for
 * the first broker; which others there will be the manifests tell. */
static void on_settled(void *user)
{
    static const struct deployer_events events = {.ready = on_ready, .drained = on_drained};
    struct runtime *r = user;
    if (r->stopped || r->deployer)
        return;
    r->deployer = deployer_create(&r->node, r->manifests, r->functions, &events, r);
    CHECK(r->deployer);
}

static void on_occupied(void *user, const char *text)
{
    struct runtime *r = user;
    r->occupied(r->user, text);
}

static void prepare_turn(void *user)
{
    struct runtime *r = user;
    node_pump(&r->node);
}

/* Whoever writes to a process that sleeps has to wake it: in a flood, the broker for each of its messages. */
static void rest_turn(void *user)
{
    struct runtime *r = user;
    struct timespec pause = {.tv_nsec = (long)gather_turn(&r->node.gather, clock_now_ns())};
    if (pause.tv_nsec)
        (void)nanosleep(&pause, NULL); /* a signal ends it early: the loop looks */
}

static struct runtime *start(uv_loop_t *loop, struct zygote *z, const struct runtime_options *options,
                             struct runtime *r)
{
    static const struct presence_events presence_events = {.settled = on_settled, .occupied = on_occupied};
    r->node_name = must_strdup(options->node);
    r->node.loop = loop;
    r->node.slabs = &r->slabs;
    r->node.name = r->node_name;
    r->node.observer = options->observer ? options->observer : &unseen;
    r->node.observer_user = options->observer_user;
    r->node.random = random_seed();
    r->node.worker_io = worker_io_create(loop, z);
    r->node.mqtt_io = mqtt_io_create(loop);
    CHECK(r->node.worker_io && r->node.mqtt_io);
    TAILQ_INIT(&r->node.hungry);
    worker_io_prepare(r->node.worker_io, prepare_turn, rest_turn, r);
    worker_io_keep_spares(r->node.worker_io);
    open_dead_keeper(r, options);
    worker_io_use_cgroups(r->node.worker_io, options->cgroups);
    r->manifests = must_strdup(options->manifests);
    r->functions = options->functions ? must_strdup(options->functions) : NULL;
    r->ready = options->ready;
    r->occupied = options->occupied;
    r->user = options->user;
    r->node.presence_events = &presence_events;
    r->node.presence_user = r;
    r->node.process = random_seed();
    presence_want(&r->node, r->node.brokers[0]);
    CHECK(r->node.brokers[0]->presence); /* memory is gone before anything runs: nothing to save */
    return r;
}

struct runtime *runtime_create(uv_loop_t *loop, struct zygote *z, const struct runtime_options *options,
                               struct diag *diag, int *ret_exit_code)
{
    if (runtime_check_folder(options->manifests, diag, ret_exit_code) ||
        (options->functions && runtime_check_folder(options->functions, diag, ret_exit_code)))
        return NULL;
    struct runtime *r = must_alloc(sizeof *r);
    slabs_init(&r->slabs);
    if (open_state(r, options, diag, ret_exit_code) || open_brokers(r, options, diag, ret_exit_code)) {
        destroy(r);
        return NULL;
    }
    return start(loop, z, options, r);
}

void runtime_drain(struct runtime *r, uint64_t grace_ns, void (*done)(void *user), void *user)
{
    bool again = r->done != NULL;
    r->done = done;
    r->done_user = user;
    if (r->deployer)
        deployer_drain(r->deployer, again ? 0 : grace_ns);
    else if (!r->stopped)
        on_drained(r);
}

void runtime_end_workers(struct runtime *r)
{
    if (worker_io_end_zygotes(r->node.worker_io))
        log_error("workers do not end: the zygote is killed, and they with it");
}
