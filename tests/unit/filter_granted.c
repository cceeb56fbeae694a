#include "filter_granted.h"

#include "worker/filter_internal.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>

enum { SOCKETS = FILTER_UNIX | FILTER_TCP };

const struct filter_granted filter_granted[] = {
    {FILTER_READ, "getdents64", {3, 1, 1}},
    {FILTER_READ, "readlink", {1, 1, 1}},
    {FILTER_READ, "readlinkat", {0, 1, 1, 1}},
    {FILTER_READ, "access", {1, 0}},
    {FILTER_READ, "faccessat", {0, 1, 0}},
    {FILTER_READ, "faccessat2", {0, 1, 0, 0}},
    {FILTER_READ, "stat", {1, 1}},
    {FILTER_READ, "lstat", {1, 1}},
    {FILTER_READ, "statfs", {1, 1}},
    {FILTER_READ, "fstatfs", {3, 1}},
    {FILTER_READ, "fadvise64", {3, 0, 0, 0}},
    {FILTER_READ, "flock", {3, 2}},
    {FILTER_WRITE, "truncate", {1, 0}},
    {FILTER_WRITE, "ftruncate", {3, 0}},
    {FILTER_WRITE, "fsync", {3}},
    {FILTER_WRITE, "fdatasync", {3}},
    {FILTER_WRITE, "mkdir", {1, 0777}},
    {FILTER_WRITE, "mkdirat", {0, 1, 0777}},
    {FILTER_WRITE, "unlink", {1}},
    {FILTER_WRITE, "unlinkat", {0, 1, 0}},
    {FILTER_WRITE, "rmdir", {1}},
    {FILTER_WRITE, "rename", {1, 1}},
    {FILTER_WRITE, "renameat", {0, 1, 0, 1}},
    {FILTER_WRITE, "umask", {0}},
    {FILTER_WRITE, "creat", {1, 0666}},
    {FILTER_WRITE, "openat", {0, 1, 0101, 0666}}, /* O_WRONLY | O_CREAT, on either machine */
    {FILTER_WRITE, "open", {1, 0101, 01777}},
    {FILTER_WRITE, "renameat2", {0, 1, 0, 1, 0}},
    {FILTER_WRITE, "renameat2", {0, 1, 0, 1, 1}}, /* RENAME_NOREPLACE */
    {FILTER_WRITE, "renameat2", {0, 1, 0, 1, 2}}, /* RENAME_EXCHANGE */
    {FILTER_WRITE, "fallocate", {3, 0, 0, 1}},
    {FILTER_WRITE, "fcntl", {3, F_SETLK}},
    {FILTER_WRITE, "fcntl", {3, F_SETLKW}},
    {FILTER_WRITE, "fcntl", {3, F_GETLK}},
    {FILTER_WRITE, "fcntl", {3, F_OFD_SETLK}},
    {FILTER_WRITE, "fcntl", {3, F_OFD_SETLKW}},
    {FILTER_WRITE, "fcntl", {3, F_OFD_GETLK}},
    {FILTER_UNIX, "socket", {AF_UNIX, SOCK_STREAM, 0}},
    {FILTER_UNIX, "socket", {AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0}},
    {FILTER_UNIX, "socket", {AF_UNIX, SOCK_SEQPACKET, 0}},
    {FILTER_TCP, "socket", {AF_INET, SOCK_STREAM, 0}},
    {FILTER_TCP, "socket", {AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0}},
    {FILTER_TCP, "socket", {AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 6}},
    {FILTER_TCP, "socket", {AF_INET6, SOCK_STREAM, 6}},
    {SOCKETS, "connect", {4, 1, 16}},
    {SOCKETS, "shutdown", {4, 1}},
    {SOCKETS, "getpeername", {4, 1, 1}},
    {SOCKETS, "getsockname", {4, 1, 1}},
    {SOCKETS, "sendto", {4, 1, 1, MSG_NOSIGNAL | MSG_DONTWAIT, 0}},
    {SOCKETS, "recvfrom", {4, 1, 1, MSG_DONTWAIT, 0}},
    {SOCKETS, "fcntl", {4, F_SETFL, O_RDWR | O_NONBLOCK}},
    {SOCKETS, "ioctl", {4, 0x5421}}, /* FIONBIO */
    {SOCKETS, "ioctl", {4, 0x541b}}, /* FIONREAD */
    {SOCKETS, "setsockopt", {4, SOL_SOCKET, SO_KEEPALIVE}},
    {SOCKETS, "setsockopt", {4, SOL_SOCKET, SO_RCVTIMEO}},
    {SOCKETS, "setsockopt", {4, IPPROTO_TCP, TCP_NODELAY}},
    {SOCKETS, "setsockopt", {4, IPPROTO_TCP, TCP_USER_TIMEOUT}},
    {SOCKETS, "getsockopt", {4, SOL_SOCKET, SO_ERROR}},
    {SOCKETS, "getsockopt", {4, SOL_SOCKET, SO_TYPE}},
    {SOCKETS, "getsockopt", {4, IPPROTO_TCP, TCP_INFO}},
    {0},
};

const struct filter_granted filter_beside[] = {
    {0, "openat", {0, 1, 0101, 04755}}, /* setuid */
    {0, "openat", {0, 1, 0101, 02755}}, /* setgid */
    {0, "open", {1, 0101, 04755}},
    {0, "creat", {1, 04755}},
    {0, "renameat2", {0, 1, 0, 1, 4}}, /* RENAME_WHITEOUT */
    {0, "renameat2", {0, 1, 0, 1, 5}},
    {0, "fallocate", {3, 1, 0, 1}}, /* FALLOC_FL_KEEP_SIZE */
    {0, "chmod", {1, 0777}},
    {0, "fchmod", {3, 04755}},
    {0, "fchmodat", {0, 1, 04755}},
    {0, "chown", {1, 0, 0}},
    {0, "fchownat", {0, 1, 0, 0}},
    {0, "link", {1, 1}},
    {0, "linkat", {0, 1, 0, 1}},
    {0, "symlink", {1, 1}},
    {0, "symlinkat", {1, 0, 1}},
    {0, "mknod", {1, 0}},
    {0, "mknodat", {0, 1, 0}},
    {0, "setxattr", {1, 1, 1, 1}},
    {0, "utimensat", {0, 1, 0, 0}},
    {0, "copy_file_range", {3, 0, 4, 0, 1}},
    {0, "sendfile", {3, 4, 0, 1}},
    {0, "openat2", {0, 1, 1, 24}},
    {0, "inotify_add_watch", {3, 1, 1}},
    {0, "socket", {AF_INET, SOCK_DGRAM, 0}},
    {0, "socket", {AF_INET, SOCK_RAW, 6}},
    {0, "socket", {AF_INET, SOCK_STREAM, 262}}, /* IPPROTO_MPTCP */
    {0, "socket", {AF_INET, SOCK_STREAM, 132}}, /* IPPROTO_SCTP */
    {0, "socket", {AF_INET6, SOCK_DGRAM, 0}},
    {0, "socket", {AF_INET6, SOCK_SEQPACKET, 0}},
    {0, "socket", {AF_UNIX, SOCK_DGRAM, 0}},
    {0, "socket", {AF_UNIX, SOCK_STREAM, 1}},
    {0, "socket", {AF_NETLINK, SOCK_RAW, 0}},
    {0, "socket", {AF_PACKET, SOCK_RAW, 0}},
    {0, "socket", {AF_VSOCK, SOCK_STREAM, 0}},
    {0, "socket", {43, SOCK_STREAM, 0}}, /* AF_SMC */
    {0, "socketpair", {AF_UNIX, SOCK_STREAM, 0, 1}},
    {0, "bind", {4, 1, 16}},
    {0, "listen", {4, 1}},
    {0, "accept", {4, 0, 0}},
    {0, "accept4", {4, 0, 0, 0}},
    {0, "sendmsg", {4, 1, 0}},
    {0, "sendmmsg", {4, 1, 1, 0}},
    {0, "recvmmsg", {4, 1, 1, 0, 0}},
    {0, "sendto", {4, 1, 1, 0x20000000, 0}}, /* MSG_FASTOPEN */
    {0, "sendto", {4, 1, 1, 0, 4096}},       /* to an address */
    {0, "sendto", {4, 1, 1, 0x20000000, 4096}},
    {0, "setsockopt", {4, IPPROTO_TCP, 23}}, /* TCP_FASTOPEN */
    {0, "setsockopt", {4, IPPROTO_TCP, 30}}, /* TCP_FASTOPEN_CONNECT */
    {0, "setsockopt", {4, IPPROTO_TCP, 31}}, /* TCP_ULP */
    {0, "setsockopt", {4, IPPROTO_TCP, 19}}, /* TCP_REPAIR */
    {0, "setsockopt", {4, SOL_SOCKET, SO_ATTACH_FILTER}},
    {0, "setsockopt", {4, SOL_SOCKET, SO_BINDTODEVICE}},
    {0, "setsockopt", {4, SOL_SOCKET, SO_MARK}},
    {0, "setsockopt", {4, 0, 1}},
    {0, "getsockopt", {4, SOL_SOCKET, 77}}, /* SO_PEERPIDFD */
    {0, "fcntl", {4, F_SETFL, 020000}},     /* O_ASYNC */
    {0, "ioctl", {4, 0x8912}},              /* SIOCGIFCONF */
    {0, "mmap", {0, 4096, PROT_READ, MAP_SHARED, 7}},
    {0},
};
