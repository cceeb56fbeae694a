#include "cli/pattern.h"

#include "shared/sanitized.h"

#include <errno.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the process says by its exit code. Above BAD: what regcomp returned. All else: it had not enough. */
enum verdict { MATCHES = 64, DIFFERS, GIVEN_UP, BAD };

/* The hard limit of CPU time kills, whatever signals are blocked: getrlimit(2). */
static void limit(void)
{
    const struct rlimit cpu = {PATTERN_CPU_S, PATTERN_CPU_S}, none = {0, 0};
    const struct rlimit memory = {PATTERN_MEMORY_BYTES, PATTERN_MEMORY_BYTES};
    bool is_limited = setrlimit(RLIMIT_CPU, &cpu) == 0 && setrlimit(RLIMIT_CORE, &none) == 0 &&
                      (SANITIZED || setrlimit(RLIMIT_DATA, &memory) == 0);
    if (!is_limited)
        _exit(GIVEN_UP);
}

/* text NULL: it is compiled, and not tried. */
__attribute__((noreturn)) static void try(const char *pattern, const char *text)
{
    regex_t regex;
    limit();
    int error = regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB);
    if (error != 0)
        _exit(error == REG_ESPACE ? GIVEN_UP : BAD + error);
    if (!text)
        _exit(DIFFERS);
    error = regexec(&regex, text, 0, NULL, 0);
    _exit(error == 0 ? MATCHES : error == REG_NOMATCH ? DIFFERS : GIVEN_UP);
}

/* Signals are blocked in the child: its handlers are those of the loop, whose pipe it shares. A verdict, or
 * the errno of fork(2). */
static int ask(const char *pattern, const char *text)
{
    sigset_t all, before;
    int status = 0;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    pid_t pid = fork();
    if (pid == 0)
        try(pattern, text);
    int error = pid < 0 ? -errno : 0;
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (error < 0)
        return error;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) && WEXITSTATUS(status) >= MATCHES ? WEXITSTATUS(status) : GIVEN_UP;
}

int pattern_check(const char *text, char why[PATTERN_WHY_MAX])
{
    int verdict = ask(text, NULL);
    if (verdict < 0 || verdict == DIFFERS)
        return verdict < 0 ? verdict : 0;
    int len = snprintf(why, PATTERN_WHY_MAX, "%s",
                       verdict == GIVEN_UP ? "too large: write fewer repetitions and less nesting"
                                           : "no extended regular expression: ");
    if (verdict != GIVEN_UP)
        regerror(verdict - BAD, NULL, why + len, PATTERN_WHY_MAX - (size_t)len);
    return -EINVAL;
}

struct pattern *pattern_create(struct slice text, unsigned line, unsigned column)
{
    struct pattern *p = malloc(sizeof *p);
    if (!p)
        return NULL;
    *p = (struct pattern){.text = slice_to_string(text), .line = line, .column = column};
    if (p->text)
        return p;
    free(p);
    return NULL;
}

void pattern_destroy(struct pattern *p)
{
    if (!p)
        return;
    free(p->text);
    free(p);
}

bool pattern_matches(struct pattern *p, struct slice text)
{
    /* regexec(3) takes a text that ends in NUL. */
    char *copy =
        p->given_up || (text.len > 0 && memchr(text.data, '\0', text.len)) ? NULL : slice_to_string(text);
    int verdict = copy ? ask(p->text, copy) : DIFFERS;
    free(copy);
    p->given_up |= verdict != MATCHES && verdict != DIFFERS;
    return verdict == MATCHES;
}
