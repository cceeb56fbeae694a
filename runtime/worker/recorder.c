#include "worker/recorder.h"

#include <sys/mman.h>

struct wire_recorder *recorder_map(int fd)
{
    void *page = mmap(NULL, sizeof(struct wire_recorder), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return page == MAP_FAILED ? NULL : page;
}
