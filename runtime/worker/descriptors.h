/* descriptors.h: hands open descriptors to another process: SCM_RIGHTS, unix(7). */
#ifndef HARK_WORKER_DESCRIPTORS_H
#define HARK_WORKER_DESCRIPTORS_H

enum { DESCRIPTORS_MAX = 4 };

/* At most DESCRIPTORS_MAX, none is fine. The sender keeps its own. 0 or a negative errno. */
__attribute__((warn_unused_result)) int descriptors_send(int socket, const int *fds, int count);

/* Waits for what one descriptors_send sent and fills in as many as there are room for; they take the lowest
 * free numbers, in order. How many, or a negative errno: -ECHILD, nobody will send any more; -EMFILE, some
 * were lost. */
__attribute__((warn_unused_result)) int descriptors_receive(int socket, int ret_fds[DESCRIPTORS_MAX]);

#endif
