/* main.c: the audit: numbered messages through a hark to which things happen, and a count of what came back.
 *
 * The faults and the traffic follow from the seed; when exactly each meets the other is the machine's. */
#include "audit/faults.h"
#include "audit/interrupt.h"
#include "audit/options.h"
#include "shared/check.h"
#include "shared/clock.h"
#include "support/cleanup.h"
#include "support/process.h"

#include <stdlib.h>

enum {
    EXIT_FOUND = 1,
    EXIT_USAGE = 64,
    ACKNOWLEDGED_MS = 60000,

    LATE_MS = 1500,
    LOOK_MS = 100
};

static void end_everything(void)
{
    end_of_test(NULL);
}

static bool has_died(const struct world *w)
{
    return world_has_hark(w) && !process_is_alive(w->hark->process);
}

/* Until the time is over, or hark is. */
static void make_faults(struct world *w, struct faults *f, unsigned seconds)
{
    uint64_t until = w->zero_ns + seconds * NS_PER_S;
    for (uint64_t now = clock_now_ns(); now < until && !has_died(w); now = clock_now_ns()) {
        uint64_t next = faults_turn(f, now), then = clock_now_ns();
        next = next < until ? next : until;
        if (interrupt_within(next > then ? (int)((next - then) / NS_PER_MS) + 1 : 0))
            break;
    }
    interrupt_forget();
    if (has_died(w))
        ledger_wrong(w->ledger, 0, "hark ended by itself", clock_now_ns());
    else
        faults_end(f);
}

/* As long as something still comes, it may all come; and a while longer, for what comes twice. */
static void wait_for_the_rest(struct world *w, unsigned patience)
{
    size_t arrivals = ledger_arrivals(w->ledger);
    uint64_t last_ns = clock_now_ns(), now = last_ns;
    while (!has_died(w) &&
           now - last_ns < (ledger_open_in_all(w->ledger) ? patience * NS_PER_S : LATE_MS * NS_PER_MS)) {
        if (interrupt_within(LOOK_MS))
            break;
        now = clock_now_ns();
        if (ledger_arrivals(w->ledger) != arrivals)
            last_ns = now;
        arrivals = ledger_arrivals(w->ledger);
    }
}

static bool judge(struct world *w, const struct faults *f, const struct options *o)
{
    struct ledger_totals t = ledger_judge(w->ledger, stdout, w->zero_ns);
    bool clean = ledger_is_clean(&t);
    printf("audit: %s: seed=%llu seconds=%u%s sent=%zu answered=%zu dead-letters=%zu duplicates=%zu "
           "unexplained=%zu "
           "lost=%zu out-of-order=%zu wrong=%zu shuffled-by-the-broker=%zu; faults:",
           clean ? "clean" : "FOUND", (unsigned long long)o->seed, o->seconds, o->has_tls ? " tls" : "",
           t.sent, t.answered, t.buried, t.repeated + t.unexplained, t.unexplained, t.lost, t.disordered,
           t.wrong, t.shuffled);
    faults_print_counts(f, stdout);
    printf("\n");
    return clean;
}

static int audit(const struct options *o, FILE *log, FILE *trace)
{
    struct world w;
    world_open(&w, &(struct world_options){.seed = o->seed,
                                           .rate = o->rate,
                                           .has_tls = o->has_tls,
                                           .log = log,
                                           .events = o->log ? log : stdout,
                                           .trace = trace,
                                           .sabotage = o->sabotage});
    if (!w.is_small)
        fprintf(w.events, "%9.3f  no disk-full: this machine gives an ordinary user no namespaces\n", 0.0);
    struct faults *f = faults_create(&w, o->faults);
    if (!f)
        return EXIT_USAGE;
    make_faults(&w, f, o->seconds);
    if (!publisher_finish(w.publisher, ACKNOWLEDGED_MS))
        ledger_wrong(w.ledger, 0, "the broker does not acknowledge all that was sent", clock_now_ns());
    wait_for_the_rest(&w, o->patience);
    bool clean = judge(&w, f, o);
    world_write_log(&w);
    faults_destroy(f);
    end_of_test(NULL);
    ledger_destroy(w.ledger);
    return clean ? 0 : EXIT_FOUND;
}

static FILE *open_file(const char *path)
{
    FILE *f = fopen(path, "we");
    if (!f) {
        fprintf(stderr, "audit: %s cannot be written\n", path);
        exit(EXIT_USAGE);
    }
    return f;
}

int main(int argc, char **argv)
{
    struct options o;
    if (!options_read(&o, argc, argv))
        return EXIT_USAGE;
    FILE *log = open_file(o.log ? o.log : "/dev/null"), *trace = o.trace ? open_file(o.trace) : NULL;
    setvbuf(stdout, NULL, _IOLBF, 0);
    atexit(end_everything);
    interrupt_init();
    int code = audit(&o, log, trace);
    fclose(log);
    if (trace)
        fclose(trace);
    return code;
}
