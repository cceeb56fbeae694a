/* cgroup_place.h: which cgroup v2 is hark's own, and may it have children there? cgroups(7)
 *
 * In the dispatcher. The parsers are pure; cgroup_place_find only reads files, and changes nothing. A cgroup
 * is taken when it is plainly hark's: writable, with no other process in it, and, for root, marked by systemd
 * as given away (Delegate=yes), or in no unit of systemd's at all. */
#ifndef HARK_DISPATCHER_CGROUP_PLACE_H
#define HARK_DISPATCHER_CGROUP_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/* Controllers, as bits. */
enum { CGROUP_MEMORY = 1, CGROUP_PIDS = 2, CGROUP_CPU = 4, CGROUP_ALL = 7 };

enum { CGROUP_TEXT_MAX = PATH_MAX + 256, CGROUP_NAMES_MAX = 32 };

struct cgroup_place {
    char folder[PATH_MAX];     /* "" when there is none */
    unsigned controllers;      /* that children can have */
    char why[CGROUP_TEXT_MAX]; /* it cannot be used; "" when it can */
    const char *remedy;        /* what to do then */
};

/* `proc`: /proc/self, or a folder with files like cgroup and mountinfo there; self: who may be in the cgroup.
 * True: it can be used. */
bool cgroup_place_find(const char *proc, pid_t self, struct cgroup_place *ret_place);

/* Parts of it, on texts. */

/* The path in the line `0::/path` of /proc/PID/cgroup. False: there is none, or it is too long. */
bool cgroup_parse_path(const char *text, char ret_path[PATH_MAX]);
/* The folder of that path by a mountinfo, proc(5); *ret_mount_len: as many bytes of it are the mount point's.
 * False: no mount of cgroup2 shows it. */
bool cgroup_parse_mount(const char *mountinfo, const char *path, char ret_folder[PATH_MAX],
                        size_t *ret_mount_len);
/* "cpu io memory pids": those that we use. */
unsigned cgroup_parse_controllers(const char *list);
/* "memory, cpu". Returns buffer. */
const char *cgroup_names(unsigned bits, char buffer[CGROUP_NAMES_MAX]);
/* "memory", for one of them. */
const char *cgroup_name(unsigned controller);

/* The whole of a small file, NUL-terminated. False: it cannot be read, errno says why, or it is too large. */
bool cgroup_read(int folder, const char *name, char *buffer, size_t size);

/* What to do to get a cgroup of one's own. */
extern const char cgroup_remedy[];

#endif
