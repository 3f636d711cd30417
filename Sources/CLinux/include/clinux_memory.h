/*
 * On which NUMA nodes memory is put, and where it lies. Nodes are the operating system's numbers, 0 to
 * CLINUX_NODE_LIMIT - 1. Ranges must start on a page; the kernel rounds their length up to whole pages.
 * The kernel's own account: https://docs.kernel.org/admin-guide/mm/numa_memory_policy.html
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

enum {
    CLINUX_NODE_LIMIT = 4096
};

/* How the kernel chooses a node for a new page. */
enum {
    CLINUX_POLICY_DEFAULT = 0,    /* the node of the thread that touches it first; takes no nodes */
    CLINUX_POLICY_PREFERRED = 1,  /* one node while it has room, then any */
    CLINUX_POLICY_BIND = 2,       /* only the given nodes; when they are full the process is killed */
    CLINUX_POLICY_INTERLEAVE = 3, /* page by page around the given nodes */
    CLINUX_POLICY_LOCAL = 4       /* as DEFAULT, but also when the thread's own policy says otherwise */
};

enum {
    CLINUX_BIND_STRICT = 1, /* fail with -EIO when a page already lies elsewhere */
    CLINUX_BIND_MOVE = 2    /* move pages that only this process uses */
};

/* The policy of the calling thread, inherited by threads and children it starts. Returns 0 or an errno. */
int clinux_set_memory_policy(int policy, const int *nodes, size_t count);

/*
 * The policy of the calling thread (address NULL) or of the range that holds `address`, into *policy.
 * Returns how many nodes it names, or a negative errno. At most `capacity` of them are written to `nodes`.
 */
int clinux_get_memory_policy(const void *address, int *policy, int *nodes, size_t capacity);

/*
 * Gives a range its own policy, for pages not yet there and, with CLINUX_BIND_MOVE, for those that are.
 * Returns 0, or -EINVAL for a node that does not exist or a start off a page, -EIO (see flags), -EFAULT.
 */
int clinux_bind_memory(void *start, size_t length, int policy, const int *nodes, size_t count, unsigned flags);

/*
 * Where pages of the process `process` (0: this one) lie: nodes[i] becomes the node of the page at
 * start + i * page_size, or a negative errno (-ENOENT: not there yet, -EFAULT: not mapped or the zero page).
 * Moves and touches nothing. Returns 0, or -ESRCH, -EPERM for another's process.
 */
int clinux_page_nodes(pid_t process, const void *start, size_t page_size, size_t count, int *nodes);

/*
 * Moves pages of the process `process` (0: this one) to `node`; results[i] becomes the node of the page at
 * start + i * page_size afterwards, or a negative errno. Returns 0, the number of pages that did not move, or
 * a negative errno for the call as a whole.
 */
int clinux_move_pages(
    pid_t process, void *start, size_t page_size, size_t count, int node, int *results);
