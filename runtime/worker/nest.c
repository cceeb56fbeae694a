#include "worker/nest.h"

#include "worker/capabilities.h"
#include "worker/namespaces.h"
#include "worker/root.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static int refuse(struct diag *why, int error, const char *what)
{
    diag_set(why, NULL, 0, 0, "%s: %s", what, strerror(-error));
    return error;
}

static void tell(struct layer_state *state, int error)
{
    *state =
        (struct layer_state){.status = error ? LAYER_MISSING : LAYER_ENFORCED, .error = error ? -error : 0};
}

static int become(struct nest *nest, const struct identity *identity, struct diag *why)
{
    int error = identity_become(identity);
    if (error)
        return refuse(why, error, "cannot become the user that functions run as");
    nest->uid = geteuid();
    if (nest->uid != 0)
        tell(&nest->layers[LAYER_UID], 0);
    else if (nest->layers[LAYER_UID].status != LAYER_WAIVED)
        tell(&nest->layers[LAYER_UID], -EPERM);
    return 0;
}

static int open_view(const struct nest *nest)
{
    return openat(nest->proc, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
}

/* What is granted to a function has to come from somewhere: the mount namespace that we are in stays as it is
 * behind a descriptor, following what the machine mounts and unmounts, and another is emptied. */
static void keep_view_of_machine(struct nest *nest)
{
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0)
        nest->views.machine = open_view(nest);
    if (nest->views.machine >= 0 && unshare(CLONE_NEWNS) < 0) {
        close(nest->views.machine);
        nest->views.machine = -1;
    }
}

/* Workers stand there while they load: as a part of the machine's files it would have the rest above it. */
static int detach_proc(struct nest *nest)
{
    int proc = root_clone_proc();
    if (proc < 0)
        return proc;
    close(nest->proc);
    nest->proc = proc;
    return 0;
}

/* A mount namespace without an empty root in it would be none of our business: it hides nothing. */
static void leave_the_files(struct nest *nest)
{
    struct layer_state *state = &nest->layers[LAYER_ROOT];
    namespaces_enter(nest->layers);
    if (state->status != LAYER_ENFORCED)
        return;
    if (nest->layers[LAYER_USERNS].status == LAYER_ENFORCED)
        keep_view_of_machine(nest);
    int error = detach_proc(nest);
    tell(state, error ? error : root_empty());
    if (nest->views.machine >= 0)
        nest->views.empty = open_view(nest);
}

/* Once for all workers, whose own seal then has little to do: each capability that is dropped costs a copy of
 * the credentials. An ordinary user cannot; the probe of the seal will tell. */
static void empty_bounding_set(void)
{
    (void)capabilities_empty_bounding_set();
}

/* Rights to make namespaces come from a user namespace, and then the identity is taken on before; or from
 * being root, and then it is the last thing. So it has to be known in advance which it will be. */
static int settle(struct nest *nest, const struct identity *identity, struct diag *why)
{
    struct layer_state *user = &nest->layers[LAYER_USERNS];
    if (user->status != LAYER_WAIVED)
        tell(user, namespaces_try_user(identity));
    if (user->status != LAYER_ENFORCED) {
        leave_the_files(nest);
        (void)
            capabilities_empty_bounding_set(); /* an ordinary user cannot; the probe of the seal will tell */
        return become(nest, identity, why);
    }
    int error = become(nest, identity, why);
    if (error)
        return error;
    error = namespaces_enter_user();
    if (error)
        return refuse(why, error, "cannot enter a user namespace a second time");
    leave_the_files(nest);
    empty_bounding_set();
    return 0;
}

/* The procfs of the workers' own pid namespace shows the workers alone; the machine's shows everybody. */
static int start_first(struct nest *nest, struct diag *why)
{
    if (nest->layers[LAYER_PIDNS].status != LAYER_ENFORCED)
        return 0;
    int error = first_start(&nest->first, &nest->views);
    if (error)
        return refuse(why, error, "cannot start the first process of the workers' pid namespace");
    if (nest->first.proc >= 0) {
        close(nest->proc);
        nest->proc = nest->first.proc;
    }
    return 0;
}

void nest_close_views(struct nest *nest)
{
    int *const views[] = {&nest->views.machine, &nest->views.empty};
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        if (*views[i] >= 0)
            close(*views[i]);
        *views[i] = -1;
    }
}

int nest_build(struct nest *nest, const struct identity *identity, struct diag *why)
{
    nest->first = (struct first){.lifeline = -1, .proc = -1};
    nest->views = (struct views){.machine = -1, .empty = -1};
    nest->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC); /* later there is no path to it */
    if (nest->proc < 0)
        return refuse(why, -errno, "/proc");
    int error = settle(nest, identity, why);
    return error ? error : start_first(nest, why);
}
