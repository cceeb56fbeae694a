#include "cli/run_as.h"

#include "shared/layers.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { NOBODY = 65534 };

static struct run_as of_entry(const struct passwd *entry)
{
    return (struct run_as){true, entry->pw_uid, entry->pw_gid};
}

/* (uid_t)-1 means "leave it as it is" to setresuid(2). */
static bool parse_number(const char *text, uid_t *ret_uid)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || number >= UINT32_MAX)
        return false;
    *ret_uid = (uid_t)number;
    return true;
}

/* A number needs no entry in the list of users; then its group has the same. */
static bool find(const char *user, struct run_as *ret)
{
    uid_t uid;
    bool is_number = parse_number(user, &uid);
    const struct passwd *entry = is_number ? getpwuid(uid) : getpwnam(user);
    if (entry)
        *ret = of_entry(entry);
    else if (is_number)
        *ret = (struct run_as){true, uid, (gid_t)uid};
    return entry || is_number;
}

static struct run_as fitting(bool is_root)
{
    struct run_as r = {true, NOBODY, NOBODY};
    if (!is_root)
        return (struct run_as){0};
    if (!find("hark", &r) || r.uid == 0)
        r = (struct run_as){true, NOBODY, NOBODY};
    return r;
}

static int use(const char *user, bool may_be_root, struct run_as *r, struct diag *diag)
{
    if (!find(user, r)) {
        diag_set(diag, NULL, 0, 0, "--user '%s': there is no such user: name one, or a number", user);
        return EX_USAGE;
    }
    if (r->uid == 0 && !may_be_root) {
        diag_set(diag, NULL, 0, 0,
                 "--user '%s': functions do not run as root: name an ordinary user, or add --insecure=uid",
                 user);
        return EX_USAGE;
    }
    r->changes = r->uid != geteuid();
    if (!r->changes || geteuid() == 0)
        return 0;
    diag_set(diag, NULL, 0, 0, "--user '%s': only root can run functions as somebody else: hark is user %u",
             user, (unsigned)geteuid());
    return EX_NOPERM;
}

int run_as_resolve(const struct options *o, struct run_as *ret, struct diag *diag)
{
    bool may_be_root = o->insecure & (1u << LAYER_UID);
    if (o->user)
        return use(o->user, may_be_root, ret, diag);
    *ret = fitting(geteuid() == 0 && !may_be_root);
    return 0;
}

const char *run_as_name(uid_t uid, char buffer[RUN_AS_TEXT_MAX])
{
    const struct passwd *entry = getpwuid(uid);
    if (entry)
        snprintf(buffer, RUN_AS_TEXT_MAX, "%.40s (%u)", entry->pw_name, (unsigned)uid);
    else
        snprintf(buffer, RUN_AS_TEXT_MAX, "%u", (unsigned)uid);
    return buffer;
}
