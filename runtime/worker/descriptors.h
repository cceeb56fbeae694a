/* descriptors.h: hands open descriptors to another process: SCM_RIGHTS, unix(7). */
#ifndef HARK_WORKER_DESCRIPTORS_H
#define HARK_WORKER_DESCRIPTORS_H

#include <sys/types.h>

enum { DESCRIPTORS_MAX = 1 };

/* At most DESCRIPTORS_MAX, none is fine. The sender keeps its own. 0 or a negative errno. */
__attribute__((warn_unused_result)) int descriptors_send(int socket, const int *fds, int count);

/* Waits for bytes, and for the descriptors that come along; they take the lowest free numbers, in order. How
 * many bytes; 0: nobody will send any more; or a negative errno: -EMFILE, descriptors were lost. */
__attribute__((warn_unused_result)) ssize_t descriptors_receive(int socket, void *bytes, size_t room,
                                                                int ret_fds[DESCRIPTORS_MAX], int *ret_count);

#endif
