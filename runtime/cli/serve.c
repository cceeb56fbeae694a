#include "cli/serve.h"

#include "cli/complain.h"
#include "cli/notify.h"
#include "shared/check.h"
#include "shared/clock.h"
#include "shared/log.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const int signal_numbers[SERVE_SIGNALS] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};

static void on_drained(void *user)
{
    struct serve *s = user;
    s->runtime = NULL;
    uv_stop(&s->host.loop);
}

/* The workers are the zygote's, and it dies with this process. */
static void on_last(uv_timer_t *timer)
{
    const struct serve *s = timer->data;
    log_error("it does not end: killed");
    if (s->dying)
        s->dying(s->dying_user);
    _exit(EX_SOFTWARE);
}

static void on_workers_late(uv_timer_t *timer)
{
    struct serve *s = timer->data;
    if (s->runtime)
        runtime_end_workers(s->runtime);
    uv_timer_start(timer, on_last, SERVE_LAST_MS, 0);
}

void serve_stop(struct serve *s, uint64_t grace_ns, int exit_code)
{
    s->stops++;
    if (s->stops == 1) {
        s->exit_code = exit_code;
        uv_timer_stop(&s->patience);
        notify_manager("STOPPING=1\nSTATUS=finishing what runs");
    }
    if (s->stops <= 2)
        uv_timer_start(&s->last, on_workers_late,
                       (s->stops == 1 ? grace_ns / NS_PER_MS : 0) + SERVE_WORKERS_MS, 0);
    else
        on_last(&s->last);
    if (s->runtime)
        runtime_drain(s->runtime, grace_ns, on_drained, s);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct serve *s = handle->data;
    if (s->stops == 0)
        log_info("SIG%s: finishing what runs", sigabbrev_np(number));
    else
        log_info("SIG%s again: ending at once", sigabbrev_np(number));
    serve_stop(s, s->drain_ns, EX_OK);
}

/* Who started it under nohup(1) wants it to outlive the terminal. */
static bool is_unwanted(int number)
{
    struct sigaction action;
    return number == SIGHUP && sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

int serve_init(struct serve *s, const struct options *o)
{
    *s = (struct serve){.drain_ns = o->drain_ns};
    log_never_wait(); /* or one slow reader of the log stops every function */
    if (notify_is_journal(getenv("JOURNAL_STREAM"), STDERR_FILENO))
        log_mark_priorities();
    int code = host_init(&s->host, o);
    if (code != 0)
        return code;
    uv_timer_init(&s->host.loop, &s->last);
    s->last.data = s;
    uv_timer_init(&s->host.loop, &s->patience);
    s->patience.data = s;
    for (int i = 0; i < SERVE_SIGNALS; i++) {
        uv_signal_init(&s->host.loop, &s->signals[i]);
        s->signals[i].data = s;
        if (!is_unwanted(signal_numbers[i]))
            uv_signal_start(&s->signals[i], on_signal, signal_numbers[i]);
    }
    return 0;
}

bool serve_is_stopping(const struct serve *s)
{
    return s->stops > 0;
}

static void say_who(const struct host *h)
{
    char name[RUN_AS_TEXT_MAX];
    if (h->run_as.changes)
        log_info("functions run as %s", run_as_name(h->run_as.uid, name));
}

/* No warning: most machines are that way, and what is lost is not the seal. */
static void say_cgroups(const struct host *h)
{
    const struct cgroup_report *r = cgroups_report(h->cgroups);
    if (r->status == CGROUP_ABSENT)
        log_info("functions have no cgroups of their own: %s; %s", r->text, r->remedy);
    else
        log_info("functions have cgroups of their own below %s", r->text);
}

static void on_ready(void *user)
{
    struct serve *s = user;
    uv_timer_stop(&s->patience);
    if (s->stops == 0)
        notify_manager("READY=1\nSTATUS=serving");
}

static void on_impatience(uv_timer_t *timer)
{
    (void)timer;
    notify_manager("READY=1\nSTATUS=some functions are not subscribed yet");
}

static void on_occupied(void *user, const char *text)
{
    struct serve *s = user;
    log_error("%s", text);
    serve_stop(s, s->drain_ns, EX_NOPERM);
}

static int start(struct serve *s, const struct settings *settings, const struct observer *observer,
                 void *observer_user)
{
    struct diag diag = {0};
    int code = EX_SOFTWARE;
    struct broker_options *brokers = must_alloc(settings->broker_count * sizeof *brokers);
    for (size_t i = 0; i < settings->broker_count; i++)
        settings_describe_broker(&settings->brokers[i], &brokers[i]);
    struct runtime_options options = {.manifests = settings->manifests,
                                      .functions = settings->functions,
                                      .node = settings->node,
                                      .state = settings->state,
                                      .dead_letters_max = settings->dead_letters_max,
                                      .dead_letters_bytes = settings->dead_letters_bytes,
                                      .brokers = brokers,
                                      .broker_count = settings->broker_count,
                                      .one_for_all = settings->one_for_all,
                                      .cgroups = s->host.cgroups,
                                      .ready = on_ready,
                                      .occupied = on_occupied,
                                      .user = s,
                                      .observer = observer,
                                      .observer_user = observer_user};
    s->runtime = runtime_create(&s->host.loop, s->host.zygote, &options, &diag, &code);
    explicit_bzero(brokers, settings->broker_count * sizeof *brokers);
    free(brokers);
    if (s->runtime) {
        uv_timer_start(&s->patience, on_impatience, SERVE_PATIENCE_MS, 0);
        say_who(&s->host);
        say_cgroups(&s->host);
        return 0;
    }
    complain(&diag);
    return code;
}

int serve_run(struct serve *s, struct settings *settings, const struct observer *observer,
              void *observer_user)
{
    int code = start(s, settings, observer, observer_user);
    settings_finish(settings);
    if (code != 0)
        return code;
    while (s->runtime)
        uv_run(&s->host.loop, UV_RUN_DEFAULT);
    return s->exit_code;
}

void serve_finish(struct serve *s)
{
    for (int i = 0; i < SERVE_SIGNALS; i++)
        uv_close((uv_handle_t *)&s->signals[i], NULL);
    uv_close((uv_handle_t *)&s->last, NULL);
    uv_close((uv_handle_t *)&s->patience, NULL);
    host_finish(&s->host);
}
