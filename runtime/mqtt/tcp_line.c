#include "mqtt/tcp_line.h"

/* The kernel's header, and so none that has libc's: only the kernel's tells bytes_acked. */
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { LEVEL_TCP = 6 }; /* IPPROTO_TCP */

void tcp_line_look(int fd, uint64_t *ret_acked, uint64_t *ret_waiting)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    int waiting = 0;
    *ret_acked = *ret_waiting = 0;
    if (getsockopt(fd, LEVEL_TCP, TCP_INFO, &info, &len) || ioctl(fd, SIOCOUTQ, &waiting))
        return;
    *ret_acked = info.tcpi_bytes_acked;
    *ret_waiting = (uint64_t)waiting;
}
