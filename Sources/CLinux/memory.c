#define _GNU_SOURCE
#include "clinux_memory.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert((int)CLINUX_POLICY_PREFERRED == (int)MPOL_PREFERRED
                   && (int)CLINUX_POLICY_BIND == (int)MPOL_BIND
                   && (int)CLINUX_POLICY_INTERLEAVE == (int)MPOL_INTERLEAVE
                   && (int)CLINUX_POLICY_LOCAL == (int)MPOL_LOCAL,
               "the kernel's numbers of policies");
_Static_assert(CLINUX_BIND_STRICT == MPOL_MF_STRICT && CLINUX_BIND_MOVE == MPOL_MF_MOVE,
               "the kernel's numbers of flags");

enum { BITS = 8 * sizeof(unsigned long), WORDS = CLINUX_NODE_LIMIT / BITS };

struct node_mask {
    unsigned long words[WORDS];
};

static int fill(struct node_mask *mask, const int *nodes, size_t count)
{
    memset(mask, 0, sizeof *mask);
    for (size_t i = 0; i < count; i++) {
        if (nodes[i] < 0 || nodes[i] >= CLINUX_NODE_LIMIT) return -EINVAL;
        mask->words[nodes[i] / BITS] |= 1UL << (nodes[i] % BITS);
    }
    return 0;
}

/*
 * The kernel takes one bit fewer than it is told. Without nodes the mask must be absent, not zero, for
 * policies that take none.
 */
static const unsigned long *bits(const struct node_mask *mask, size_t count)
{
    return count ? mask->words : NULL;
}

static unsigned long bit_limit(size_t count)
{
    return count ? CLINUX_NODE_LIMIT + 1 : 0;
}

int clinux_set_memory_policy(int policy, const int *nodes, size_t count)
{
    struct node_mask mask;
    int error = fill(&mask, nodes, count);
    if (error) return error;
    long status = syscall(SYS_set_mempolicy, policy, bits(&mask, count), bit_limit(count));
    return status < 0 ? -errno : 0;
}

int clinux_get_memory_policy(const void *address, int *policy, int *nodes, size_t capacity)
{
    struct node_mask mask = {0};
    unsigned long flags = address ? MPOL_F_ADDR : 0;
    long status = syscall(
        SYS_get_mempolicy, policy, mask.words, (unsigned long)CLINUX_NODE_LIMIT, address, flags);
    if (status < 0) return -errno;
    size_t found = 0;
    for (int node = 0; node < CLINUX_NODE_LIMIT; node++) {
        if (!(mask.words[node / BITS] >> (node % BITS) & 1)) continue;
        if (found < capacity) nodes[found] = node;
        found++;
    }
    return (int)found;
}

int clinux_bind_memory(void *start, size_t length, int policy, const int *nodes, size_t count, unsigned flags)
{
    struct node_mask mask;
    int error = fill(&mask, nodes, count);
    if (error) return error;
    long status = syscall(SYS_mbind, start, length, policy, bits(&mask, count), bit_limit(count), flags);
    return status < 0 ? -errno : 0;
}

enum { BATCH = 512 };

static void list_pages(void **pages, uintptr_t start, size_t page_size, size_t count)
{
    for (size_t i = 0; i < count; i++) pages[i] = (void *)(start + i * page_size);
}

int clinux_page_nodes(pid_t process, const void *start, size_t page_size, size_t count, int *nodes)
{
    void *pages[BATCH];
    for (size_t done = 0; done < count; done += BATCH) {
        size_t batch = count - done < BATCH ? count - done : BATCH;
        list_pages(pages, (uintptr_t)start + done * page_size, page_size, batch);
        if (syscall(SYS_move_pages, process, batch, pages, NULL, nodes + done, 0) < 0) return -errno;
    }
    return 0;
}

int clinux_move_pages(
    pid_t process, void *start, size_t page_size, size_t count, int node, int *results)
{
    void *pages[BATCH];
    int targets[BATCH];
    long left_behind = 0;
    for (size_t i = 0; i < BATCH; i++) targets[i] = node;
    for (size_t done = 0; done < count; done += BATCH) {
        size_t batch = count - done < BATCH ? count - done : BATCH;
        list_pages(pages, (uintptr_t)start + done * page_size, page_size, batch);
        long status = syscall(
            SYS_move_pages, process, batch, pages, targets, results + done, MPOL_MF_MOVE);
        if (status < 0) return -errno;
        left_behind += status;
    }
    return (int)left_behind;
}
