#include "subtree.h"

#include "dispatcher/cgroup_tree.h"
#include "shared/check.h"
#include "support/cleanup.h"
#include "support/files.h"
#include "support/process.h"
#include "support/test.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct cgroup_place place;
static int base = -1;

static int open_folder(const char *path)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(folder >= 0);
    return folder;
}

/* The test moves to a leaf, so that its cgroup can have others. */
void subtree_look(void)
{
    if (!cgroup_place_find("/proc/self", getpid(), &place) || place.controllers != CGROUP_ALL)
        return;
    base = open_folder(place.folder);
    int leaf = cgroup_make(base, "test");
    CHECK(leaf >= 0 && cgroup_put(leaf, "cgroup.procs", "0") == 0);
    CHECK(cgroup_enable(base, CGROUP_ALL) == CGROUP_ALL);
    close(leaf);
}

bool subtree_is_there(void)
{
    return base >= 0;
}

void subtree_needed(void)
{
    if (subtree_is_there())
        return;
    print_message("skipped: %s\n", place.why[0] ? place.why : "a controller is missing here");
    skip();
}

static void remove_it(void *name)
{
    int error = cgroup_tree_clear(base, name, GUARD_MS);
    free(name);
    assert_int_equal(error, 0);
}

const char *subtree_create(void)
{
    static unsigned count;
    char *name;
    CHECK(asprintf(&name, "hark-%u", ++count) > 0);
    int folder = cgroup_make(base, name);
    assert_true(folder >= 0);
    close(folder);
    at_end_of_test(remove_it, name);
    return path_in(place.folder, name);
}

void subtree_await_empty(const char *cgroup)
{
    struct pollfd events = {.fd = open(path_in(cgroup, "cgroup.events"), O_RDONLY | O_CLOEXEC),
                            .events = POLLPRI};
    char text[256];
    assert_true(events.fd >= 0);
    for (;;) {
        ssize_t len = pread(events.fd, text, sizeof text - 1, 0);
        assert_true(len > 0);
        text[len] = '\0';
        if (strstr(text, "populated 0"))
            break;
        if (poll(&events, 1, GUARD_MS) != 1)
            give_up("%s does not get empty", cgroup);
    }
    close(events.fd);
}

void subtree_take_back(const char *cgroup)
{
    int folder = open_folder(cgroup), functions = open_folder(path_in(cgroup, "functions"));
    cgroup_disable(functions, CGROUP_ALL);
    cgroup_disable(folder, CGROUP_ALL);
    close(functions);
    close(folder);
}
