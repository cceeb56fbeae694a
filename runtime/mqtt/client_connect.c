#include "mqtt/client_internal.h"

#include "shared/clock.h"

#include <stdio.h>
#include <stdlib.h>

const char *connect_words(int error)
{
    switch (error) {
    case UV_ECONNREFUSED:
        return "connection refused";
    case UV_ECONNRESET:
        return "connection reset";
    case UV_EPIPE:
        return "the broker closed the connection";
    case UV_ECONNABORTED:
        return "the connection was cut off, without the end that TLS has";
    case UV_ETIMEDOUT:
        return "no answer";
    case UV_ENETUNREACH:
    case UV_EHOSTUNREACH:
        return "no route to it";
    case UV_EAI_NONAME:
    case UV_EAI_NODATA:
        return "unknown host name";
    case UV_EAI_AGAIN:
        return "the name server does not answer";
    default:
        return uv_strerror(error);
    }
}

void connect_failed(struct mqtt_client *c)
{
    stream_drop_link(c);
    client_attempt_over(c);
}

static void fail(struct mqtt_client *c, int error)
{
    connect_forget(c);
    client_set_why(c, MQTT_CAUSE_NETWORK, "cannot reach %s: %s", c->endpoint, connect_words(error));
    client_attempt_over(c);
}

/* ---- TCP ---- */

static void try_next(struct mqtt_client *c);

static void on_connected(uv_connect_t *connect, int status)
{
    struct link *link = connect->data;
    struct mqtt_client *c = link->client;
    if (c->link != link)
        return; /* given up meanwhile */
    if (status == 0) {
        connect_forget(c);
        if (c->tls)
            secure_start(c);
        else if (c->target)
            web_start(c);
        else
            stream_open(c);
        return;
    }
    c->error = status;
    stream_drop_link(c);
    try_next(c);
}

static int dial(struct mqtt_client *c, const struct sockaddr_storage *address)
{
    struct link *link = stream_create_link(c);
    if (!link)
        return UV_ENOMEM;
    c->link = link;
    c->peer = *address;
    c->phase = CLIENT_DIALLING;
    c->due_ns = clock_now_ns() + c->timing.address_timeout_ns;
    link->connect.data = link;
    int error = uv_tcp_connect(&link->connect, &link->tcp, (const struct sockaddr *)&c->peer, on_connected);
    if (error)
        stream_drop_link(c);
    return error;
}

static void try_next(struct mqtt_client *c)
{
    struct addresses *addresses = c->addresses;
    while (addresses->next < addresses->count) {
        int error = dial(c, &addresses->items[addresses->next++]);
        if (error == 0) {
            client_arm_timer(c);
            return;
        }
        c->error = error;
    }
    fail(c, c->error);
}

void connect_address_late(struct mqtt_client *c)
{
    c->error = UV_ETIMEDOUT;
    stream_drop_link(c);
    try_next(c);
}

/* ---- addresses ---- */

static bool is_inet(const struct addrinfo *entry)
{
    return entry->ai_family == AF_INET || entry->ai_family == AF_INET6;
}

static void add_address(struct addresses *list, const struct sockaddr *address)
{
    size_t size = address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    memcpy(&list->items[list->count++], address, size);
}

static const struct addrinfo *next_of(const struct addrinfo *entry, bool of_first_family, int first_family)
{
    while (entry && (!is_inet(entry) || (entry->ai_family == first_family) != of_first_family))
        entry = entry->ai_next;
    return entry;
}

/* IPv6 and IPv4 in turn, the resolver's order within each: a family that leads nowhere costs one timeout
 * before the other one has its chance. */
static void interleave(struct addresses *list, const struct addrinfo *found)
{
    while (found && !is_inet(found))
        found = found->ai_next;
    int family = found ? found->ai_family : AF_INET;
    const struct addrinfo *entries[2] = {next_of(found, true, family), next_of(found, false, family)};
    for (unsigned turn = 0; (entries[0] || entries[1]) && list->count < ADDRESSES_MAX; turn ^= 1) {
        const struct addrinfo *entry = entries[turn];
        if (!entry)
            continue;
        add_address(list, entry->ai_addr);
        entries[turn] = next_of(entry->ai_next, turn == 0, family);
    }
}

/* An address needs no look-up, and so no thread. */
static bool is_address(const struct mqtt_client *c, struct sockaddr_storage *ret_address)
{
    return uv_ip4_addr(c->host, c->port, (struct sockaddr_in *)ret_address) == 0 ||
           uv_ip6_addr(c->host, c->port, (struct sockaddr_in6 *)ret_address) == 0;
}

/* ---- the name ---- */

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct lookup *lookup = request->data;
    struct mqtt_client *c = lookup->client;
    free(lookup);
    if (c) {
        c->lookup = NULL;
        c->error = status ? status : UV_EAI_NODATA;
        if (status == 0)
            interleave(c->addresses, found);
        try_next(c);
    }
    uv_freeaddrinfo(found);
}

static int look_up(struct mqtt_client *c)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct lookup *lookup = calloc(1, sizeof *lookup);
    char port[8];
    if (!lookup)
        return UV_ENOMEM;
    lookup->client = c;
    lookup->request.data = lookup;
    snprintf(port, sizeof port, "%u", c->port);
    int error = uv_getaddrinfo(c->io->loop, &lookup->request, on_resolved, c->host, port, &hints);
    if (error)
        free(lookup);
    else
        c->lookup = lookup;
    return error;
}

static int begin(struct mqtt_client *c)
{
    connect_forget(c);
    c->phase = CLIENT_RESOLVING;
    c->addresses = calloc(1, sizeof *c->addresses);
    return c->addresses ? 0 : UV_ENOMEM;
}

void connect_start(struct mqtt_client *c)
{
    struct sockaddr_storage address = {0};
    int error = begin(c);

    client_report(c, MQTT_CONNECTING, false, MQTT_CAUSE_NONE, "", 0);
    if (error == 0 && is_address(c, &address)) {
        add_address(c->addresses, (const struct sockaddr *)&address);
        try_next(c);
        return;
    }
    if (error == 0)
        error = look_up(c);
    if (error)
        fail(c, error);
}

void connect_to_peer(struct mqtt_client *c)
{
    int error = begin(c);
    if (error) {
        fail(c, error);
        return;
    }
    add_address(c->addresses, (const struct sockaddr *)&c->peer);
    try_next(c);
}

void connect_forget(struct mqtt_client *c)
{
    if (c->lookup) {
        c->lookup->client = NULL;
        uv_cancel((uv_req_t *)&c->lookup->request); /* or its thread ends it, and nobody listens */
        c->lookup = NULL;
    }
    free(c->addresses);
    c->addresses = NULL;
}

/* ---- backing off ---- */

/* splitmix64: jitter needs spread, not secrecy. */
static uint64_t next_random(struct mqtt_client *c)
{
    uint64_t z = c->random += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static uint64_t with_jitter(struct mqtt_client *c, uint64_t delay_ns)
{
    uint64_t half = delay_ns / 2;
    return delay_ns - next_random(c) % (half + 1);
}

static uint64_t doubled(const struct mqtt_client *c)
{
    uint64_t delay_ns = c->timing.backoff_min_ns;
    for (unsigned i = 0; i < c->failures && delay_ns < c->timing.backoff_max_ns; i++)
        delay_ns = delay_ns > UINT64_MAX / 2 ? UINT64_MAX : delay_ns * 2;
    return delay_ns < c->timing.backoff_max_ns ? delay_ns : c->timing.backoff_max_ns;
}

static uint64_t delay_for(struct mqtt_client *c)
{
    bool at_once = c->cause == MQTT_CAUSE_VERSION && !c->hastened;
    c->hastened = at_once;
    if (at_once)
        return 0;
    if (c->cause == MQTT_CAUSE_REFUSED || c->cause == MQTT_CAUSE_TAKEN_OVER)
        return with_jitter(c, c->timing.refused_backoff_ns);
    uint64_t delay_ns = doubled(c);
    c->failures++;
    return with_jitter(c, delay_ns);
}

void connect_back_off(struct mqtt_client *c)
{
    uint64_t delay_ns = delay_for(c);
    c->phase = CLIENT_WAITING;
    c->due_ns = clock_now_ns() + delay_ns;
    client_arm_timer(c);
    client_report(c, MQTT_OFFLINE, false, c->cause, c->why, delay_ns);
}
