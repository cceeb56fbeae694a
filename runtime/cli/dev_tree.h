/* dev_tree.h: tells when a source in a folder, or in the folders in it, is another than it was.
 *
 * On the loop thread. dispatcher/watch.h says when to look, and gathers what comes within a moment; what
 * counts is whether names, sizes or times of sources changed, dev_source.h. Folders that come later are
 * watched too. Of more than WATCH_FOLDERS_MAX folders the rest is looked at every WATCH_RESCAN_MS. */
#ifndef HARK_CLI_DEV_TREE_H
#define HARK_CLI_DEV_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

enum { DEV_TREE_DEPTH_MAX = 16, DEV_TREE_ENTRIES_MAX = 20000 };

struct dev_tree {
    const char *root;     /* borrowed */
    const char *left_out; /* borrowed: a folder with what builds make; NULL: none */
    struct watch *watch;
    uint64_t seen;  /* of all sources, as they were last */
    size_t entries; /* of the look that goes on */
    bool said;      /* that there are too many */
    void (*changed)(void *user);
    void *user;
};

/* changed(user) is called in later turns of the loop. False: out of memory. */
__attribute__((warn_unused_result)) bool dev_tree_open(struct dev_tree *t, uv_loop_t *loop, const char *root,
                                                       const char *left_out, void (*changed)(void *user),
                                                       void *user);
/* `changed` is never called again; what is left on the loop closes with its next turns. */
void dev_tree_close(struct dev_tree *t);

#endif
