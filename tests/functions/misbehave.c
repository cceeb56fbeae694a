/* Does what the payload says, and nothing good. Anything else is published to out/misbehave. */
#include <hark/function.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DESCRIPTORS = 64, LEAK_BYTES = 1 << 20, FRAME_RESULT = 9, NEXT_CALLS = 100 };

static void crash(void)
{
    *(volatile int *)NULL = 1;
}

static void hang(void)
{
    for (volatile unsigned turns = 0;; turns++)
        ;
}

static void leave(void)
{
    _exit(0);
}

/* Its channel is among these, whatever its number. */
static void write_everywhere(const void *data, size_t len)
{
    for (int fd = 3; fd < DESCRIPTORS; fd++) {
        ssize_t ignored = write(fd, data, len);
        (void)ignored;
    }
}

static void garbage(void)
{
    unsigned char bytes[512];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)random();
    write_everywhere(bytes, sizeof bytes);
}

/* Says of calls that it never saw that they went well. */
static void forge(void)
{
    for (uint64_t call = 1; call <= NEXT_CALLS; call++) {
        struct {
            uint32_t length, type;
            uint64_t call;
            uint32_t result;
        } __attribute__((packed)) frame = {sizeof frame.result, FRAME_RESULT, call, 0};
        write_everywhere(&frame, sizeof frame);
    }
}

static void close_all(void)
{
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        close(fd);
}

static void leak(void)
{
    for (char *block; (block = malloc(LEAK_BYTES));)
        memset(block, 1, LEAK_BYTES);
}

static void fork_children(void)
{
    for (int i = 0; i < 3; i++)
        if (fork() == 0)
            for (;;)
                pause();
}

static void stop_self(void)
{
    raise(SIGSTOP);
}

static const struct {
    const char *name;
    void (*run)(void);
} deeds[] = {
    {"crash", crash}, {"hang", hang},       {"exit", leave}, {"abort", abort},        {"garbage", garbage},
    {"forge", forge}, {"close", close_all}, {"leak", leak},  {"fork", fork_children}, {"sigstop", stop_self},
};

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++)
        if (strcmp(deeds[i].name, in->payload) == 0) {
            deeds[i].run();
            return HARK_OK;
        }
    return hark_publish(ctx, "out/misbehave", in->payload, in->payload_len);
}

HARK_FUNCTION(.handle = handle);
