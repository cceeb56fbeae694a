#include "cli/reader.h"

#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

static void on_gone(uv_poll_t *poll, int status, int events)
{
    struct reader *r = poll->data;
    (void)status, (void)events;
    uv_poll_stop(poll);
    r->gone(r->user);
}

/* A terminal that goes is SIGHUP's business. */
static bool has_reader(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

/* It asks for no event: EPOLLERR and EPOLLHUP come by themselves. In an epoll of its own, since libuv would
 * make standard output one that does not wait, for all who share it. */
static int open_watch(void)
{
    struct epoll_event nothing = {0};
    int watched = has_reader(STDOUT_FILENO) ? epoll_create1(EPOLL_CLOEXEC) : -1;
    if (watched >= 0 && epoll_ctl(watched, EPOLL_CTL_ADD, STDOUT_FILENO, &nothing) < 0) {
        close(watched);
        return -1;
    }
    return watched;
}

void reader_watch(struct reader *r, uv_loop_t *loop, void (*gone)(void *user), void *user)
{
    *r = (struct reader){.watched = open_watch(), .gone = gone, .user = user};
    if (r->watched < 0)
        return;
    if (uv_poll_init(loop, &r->poll, r->watched) < 0) {
        close(r->watched);
        r->watched = -1;
        return;
    }
    r->poll.data = r;
    uv_unref((uv_handle_t *)&r->poll);
    uv_poll_start(&r->poll, UV_READABLE, on_gone);
}

static void on_closed(uv_handle_t *handle)
{
    struct reader *r = handle->data;
    close(r->watched);
}

void reader_close(struct reader *r)
{
    if (r->watched >= 0)
        uv_close((uv_handle_t *)&r->poll, on_closed);
}
