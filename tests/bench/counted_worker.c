/* counted_worker.c: the code that a worker runs for each message, in a process that can be looked into:
 *
 *     bench_counted_worker ECHO.so WINDOW MESSAGES
 *
 * serves ECHO.so as a sealed worker does, to a process that hands it WINDOW calls at once, whenever all are
 * answered, MESSAGES in all. Unsealed: valgrind and strace could not follow into the seal. */
#include "shared/clock.h"
#include "shared/wire.h"
#include "worker/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHANNEL_FD = 3, PAYLOAD_BYTES = 64, ROOM_BYTES = 1 << 20 };

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "counted_worker: %s\n", what);
    exit(EXIT_FAILURE);
}

/* ---- the one that hands out the calls ---- */

static void send_all(struct buffer *out)
{
    while (buffer_length(out) > 0) {
        ssize_t n = send(CHANNEL_FD, buffer_data(out), buffer_length(out), MSG_NOSIGNAL);
        if (n <= 0)
            die("the worker has gone");
        buffer_consume(out, (size_t)n);
    }
}

/* Reads until `count` frames of that type have come. */
static void await_frames(struct buffer *in, enum wire_type type, unsigned long count)
{
    struct wire_header header;
    struct slice body;
    while (count > 0) {
        int got = wire_next(buffer_data(in), buffer_length(in), ROOM_BYTES, &header, &body);
        if (got < 0 || (got > 0 && header.type == WIRE_FAILED))
            die("the worker does not serve");
        if (got > 0) {
            count -= header.type == type;
            buffer_consume(in, WIRE_HEADER_BYTES + header.length);
            continue;
        }
        ssize_t n = recv(CHANNEL_FD, buffer_reserve(in, ROOM_BYTES), ROOM_BYTES, 0);
        if (n <= 0)
            die("the worker has gone");
        buffer_commit(in, (size_t)n);
    }
}

static void put_setup(struct buffer *out)
{
    const struct property config = {slice_of("out"), slice_of("bench/hark/out")};
    const struct slice pattern = slice_of("bench/hark/out/+");
    wire_put_setup(out, &(struct wire_setup){.function = slice_of("hark"),
                                             .handler = slice_of("bench_echo.so"),
                                             .config = &config,
                                             .config_count = 1,
                                             .publishes = &pattern,
                                             .publish_count = 1,
                                             .payload_max_bytes = ROOM_BYTES,
                                             .publishes_max = 1000});
}

static void put_call(struct buffer *out, uint64_t call)
{
    static char payload[PAYLOAD_BYTES];
    memset(payload, 'x', sizeof payload);
    struct wire_invoke invoke = {.timeout_ns = 10 * NS_PER_S,
                                 .attempt = 1,
                                 .message = {.topic = slice_of("bench/hark/in/00000"),
                                             .payload = slice_make(payload, sizeof payload),
                                             .qos = 1}};
    invoke.captures.count = 1;
    invoke.captures.items[0] = (struct topic_capture){slice_of("n"), slice_of("00000")};
    wire_put_invoke(out, call, &invoke);
}

static void hand_out(unsigned long window, unsigned long messages)
{
    struct buffer in = {0}, out = {0};
    put_setup(&out);
    send_all(&out);
    await_frames(&in, WIRE_READY, 1);
    for (unsigned long done = 0; done < messages; done += window) {
        for (unsigned long i = 1; i <= window; i++)
            put_call(&out, done + i);
        send_all(&out);
        await_frames(&in, WIRE_RESULT, window);
    }
    buffer_finish(&in);
    buffer_finish(&out);
}

/* ---- the worker ---- */

/* A program of its own: what looks at the worker does not look at it. */
static void start_other_end(char **argv, int fd)
{
    posix_spawn_file_actions_t files;
    pid_t pid;
    static char verb[] = "hand-out";
    char *arguments[] = {argv[0], argv[1], argv[2], argv[3], verb, NULL};
    if (posix_spawn_file_actions_init(&files) != 0 ||
        posix_spawn_file_actions_adddup2(&files, fd, CHANNEL_FD) != 0 ||
        posix_spawn(&pid, argv[0], &files, NULL, arguments, environ) != 0)
        die("cannot start the other end");
    posix_spawn_file_actions_destroy(&files);
}

static _Noreturn void work(char **argv)
{
    static struct wire_recorder recorder;
    int ends[2], function = open(argv[1], O_RDONLY | O_CLOEXEC);
    if (function < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        die(strerror(errno));
    start_other_end(argv, ends[1]);
    close(ends[1]);
    struct server *server = serve_open(ends[0]);
    if (!server || chdir("/proc") < 0)
        die(strerror(errno));
    serve_run(server, function, &recorder); /* exits when the other end has */
}

int main(int argc, char **argv)
{
    unsigned long window = argc > 3 ? strtoul(argv[2], NULL, 10) : 0;
    unsigned long messages = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
    if (window == 0 || messages == 0 || argc > 5) {
        fprintf(stderr, "usage: bench_counted_worker ECHO.so WINDOW MESSAGES\n");
        return 64;
    }
    if (argc == 4)
        work(argv);
    hand_out(window, messages);
    return EXIT_SUCCESS;
}
