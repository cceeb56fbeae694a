/* siege.h: a hark that serves a well-behaved function while others in it attack. */
#ifndef TESTS_ATTACK_SIEGE_H
#define TESTS_ATTACK_SIEGE_H

#include "attack/attack.h"
#include "attack/steady.h"
#include "attack/traces.h"
#include "support/device.h"
#include "support/hark.h"

#include <stdbool.h>

enum siege_user { AS_ROOT, AS_NOBODY, AS_SELF };

/* What is waived. An ordinary user gets no namespace at all without a user namespace, and then it is landlock
 * that keeps functions from files. */
enum siege_seal { WHOLE_SEAL, NO_USER_NAMESPACE, NO_NAMESPACES };

struct siege_mode {
    enum siege_user user; /* who starts hark; root's functions run as an ordinary user all the same */
    enum siege_seal seal;
    bool has_grants;    /* one of its functions may read some files: so there is a second zygote */
    bool has_network;   /* one may use the machine's network: there is one for that, too */
    const char *cgroup; /* that hark is started in; NULL: that of the test */
};
bool siege_has_namespaces(struct siege_mode mode); /* but that of users */

struct siege {
    struct siege_mode mode;
    struct hark *hark;
    const char *granted;  /* a folder of which manifests grant some, see siege_lay_out in siege.c */
    struct device *phone; /* hears out/+ and hark/dead/+ */
    uint16_t port;        /* of the broker; username and password are below */
    pid_t broker, zygote, sibling;
    struct traces before; /* any attack */
};

#define SIEGE_USER "hark"

/* hark and the sibling are up. The password of its broker is SECRET (tests/functions/hostile/secret.h). */
struct siege siege_begin(struct siege_mode mode);

/* The sibling is sent numbers from now on. */
struct steady *siege_start_steady(const struct siege *s, unsigned per_second, size_t most);

/* Puts the attacks into hark's folder, and waits until it has deployed or refused each. */
void siege_deploy(struct siege *s, const struct attack *attacks);
void siege_undeploy(struct siege *s, const struct attack *attacks);

/* Lets one attack run. Its outcome, until the next call. is_silent: no message tells of it, only hark's log.
 */
const char *siege_attack(struct siege *s, const struct attack *a, bool is_silent);

/* Sends it the message that lets it attack, and no more. */
void siege_provoke(struct siege *s, const struct attack *a);

/* How many lines it logged, and how many hark says it dropped of it. */
size_t siege_logged(struct siege *s, const struct attack *a);

/* How often hark said that a worker of that function ended as it should not. */
size_t siege_deaths(struct siege *s, const struct attack *a);

/* hark ends when it is told to, and nobody of its tree outlives it. */
void siege_end(struct siege *s);

#endif
