/* hark.h: `hark run` as a child process, with a folder that it watches. */
#ifndef TESTS_SUPPORT_HARK_H
#define TESTS_SUPPORT_HARK_H

#include "support/process.h"

#include <stdint.h>

#define TEST_NODE "test"

struct hark {
    const char *node;   /* TEST_NODE unless set */
    const char *folder; /* what it watches */
    const char *state;
    const char *broker;         /* URL, or NULL: HARK_BROKER and hark.yaml are left to say it */
    const char *config;         /* path of a hark.yaml, or NULL */
    const char *drain;          /* of --drain, or NULL */
    const char *cgroup;         /* that it is started in, or NULL */
    const char *more[4];        /* arguments; NULL: no more */
    const char *environment[2]; /* more NAME=value; NULL: no more */
    bool as_nobody;             /* an ordinary user's hark, whoever runs the test */
    struct process *process;
};

/* A hark with an empty folder, not started. Lives until the end of the test. */
struct hark *hark_prepare(const char *broker_url);

/* `hark run FOLDER`. Also again, after hark_kill or hark_stop: the same node and state. */
void hark_start(struct hark *h);

/* hark_prepare, hark_start and the wait for its ready line. */
struct hark *hark_run(const char *broker_url);

/* Waits for a line on its standard error that matches; fails the test when it does not come. */
const char *hark_wait_line(struct hark *h, const char *pattern);

/* Lines that it has written so far. */
size_t hark_count_lines(struct hark *h, const char *pattern);

void hark_kill(struct hark *h); /* SIGKILL, waited for */
int hark_stop(struct hark *h);  /* SIGTERM; its exit code */

/* A copy of hark, hark-worker and hark-tls.so that any user may run: built files may be out of an ordinary
 * user's reach. The path of its hark. */
const char *hark_installed(void);

/* Puts functions into its folder: NAME.so from the tests' own or from the examples, and its manifest. */
void hark_install(struct hark *h, const char *so, const char *as);
void hark_install_example(struct hark *h, const char *name);
__attribute__((format(printf, 3, 4))) void hark_manifest(struct hark *h, const char *name, const char *format,
                                                         ...);
const char *hark_file(struct hark *h, const char *name);

#endif
