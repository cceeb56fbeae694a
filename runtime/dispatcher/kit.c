#include "dispatcher/kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Its size is sealed: a worker that could shrink it would make this process fault on its next look. The
 * descriptor, or -errno. */
static int create_recorder(const struct wire_recorder **ret_recorder)
{
    int fd = memfd_create("hark-recorder", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    void *page = MAP_FAILED;
    if (ftruncate(fd, sizeof **ret_recorder) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        page = mmap(NULL, sizeof **ret_recorder, PROT_READ, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) {
        close(fd);
        return -ENOMEM;
    }
    *ret_recorder = page;
    return fd;
}

/* Linux begins with some 160 KiB: a larger payload would go in two halves, with a wake-up of each side for
 * either. What is not allowed is left as it is. */
static void widen(int channel)
{
    setsockopt(channel, SOL_SOCKET, SO_SNDBUF, &(int){CHANNEL_SEND_BYTES}, sizeof(int));
}

/* 0, or a negative errno with nothing left open. */
static int make(struct kit *ret_kit)
{
    int channel[2] = {-1, -1}, log[2] = {-1, -1}, recorder = -1;
    const struct wire_recorder *page = NULL;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) == 0 && pipe2(log, O_CLOEXEC) == 0 &&
        (recorder = create_recorder(&page)) >= 0) {
        fcntl(channel[0], F_SETFL, O_NONBLOCK);
        widen(channel[0]);
        widen(channel[1]);
        fcntl(log[0], F_SETFL, O_NONBLOCK);
        *ret_kit = (struct kit){channel[0], log[0], {channel[1], recorder, log[1]}, page};
        return 0;
    }
    int error = errno ? -errno : -EMFILE;
    const int all[] = {channel[0], channel[1], log[0], log[1]};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i] >= 0)
            close(all[i]);
    }
    return error;
}

int kit_take(struct kits *kits, struct kit *ret_kit)
{
    if (kits->count == 0)
        return make(ret_kit);
    *ret_kit = kits->ready[--kits->count];
    return 0;
}

bool kits_add(struct kits *kits)
{
    if (kits->count == KITS_READY || make(&kits->ready[kits->count]) < 0)
        return false;
    kits->count++;
    return true;
}

static void drop(struct kit *kit)
{
    munmap((void *)(uintptr_t)kit->recorder, sizeof *kit->recorder);
    close(kit->channel);
    close(kit->log);
    for (int i = 0; i < ZYGOTE_FD_COUNT; i++)
        close(kit->theirs[i]);
}

void kits_close(struct kits *kits)
{
    while (kits->count > 0)
        drop(&kits->ready[--kits->count]);
}
