#include "support/other_broker.h"

#include "support/cleanup.h"
#include "support/files.h"
#include "support/process.h"
#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEFT_MAX = 3, START_GUARD_MS = 60000 };

/* To start one takes seconds, to empty it milliseconds. */
static struct other_broker left[LEFT_MAX];
static size_t left_count;

const char *other_broker_program(void)
{
    return getenv("HARK_TEST_BROKER");
}

bool other_broker_lacks(const char *what)
{
    const char *words = getenv("HARK_TEST_BROKER_LACKS");
    if (!other_broker_program() || !words)
        return false;
    size_t len = strlen(what);
    for (const char *at = words; (at = strstr(at, what)); at += len)
        if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return true;
    return false;
}

void need_of_broker(const char *what)
{
    if (!other_broker_lacks(what))
        return;
    printf("[  LACKING ] %s\n", what);
    fflush(stdout);
    skip();
}

const char *other_broker_login(void)
{
    return other_broker_lacks("anonymous") ? "tester:secret@" : "";
}

const char *other_broker_user(void)
{
    return other_broker_lacks("anonymous") ? "tester@" : "";
}

void other_broker_plan(struct other_broker *o)
{
    outlive_test(true);
    o->folder = folder_create();
    outlive_test(false);
}

static void end(struct other_broker *o)
{
    if (o->process->pid)
        process_signal(o->process, SIGKILL);
    process_wait(o->process);
    process_drain(o->process);
}

bool other_broker_run(struct other_broker *o)
{
    char port[8];
    snprintf(port, sizeof port, "%u", o->port);
    const char *argv[12] = {other_broker_program(), port, o->folder};
    memcpy(argv + 3, o->more, sizeof o->more);
    outlive_test(true);
    o->process =
        process_start(&(struct process_options){.name = "broker", .argv = argv, .takes_orders = true});
    outlive_test(false);
    const char *line = lines_find(o->process->err, "^running", START_GUARD_MS);
    o->can_be_emptied = line && strstr(line, "can be emptied");
    if (!line)
        end(o);
    return line;
}

bool other_broker_take(struct other_broker *ret)
{
    if (left_count == 0)
        return false;
    *ret = left[--left_count];
    lines_drop(ret->process->err);
    process_order(ret->process, "empty");
    lines_wait(ret->process->err, "^running");
    lines_drop(ret->process->err);
    return true;
}

void other_broker_leave(struct other_broker *o)
{
    if (!o->process)
        return;
    if (left_count < LEFT_MAX && o->can_be_emptied && !o->more[0] && process_is_alive(o->process)) {
        left[left_count++] = *o;
        return;
    }
    end(o);
}
