#define _GNU_SOURCE
#include "clinux_thread.h"

#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(CLINUX_MEMORY_FILE_CLOSE_ON_EXEC == MFD_CLOEXEC
                   && CLINUX_MEMORY_FILE_SEALABLE == MFD_ALLOW_SEALING,
               "the kernel's numbers of flags");

pid_t clinux_thread_id(void)
{
    return (pid_t)syscall(SYS_gettid);
}

int clinux_current_cpu(void)
{
    return sched_getcpu();
}

int clinux_memory_file(const char *name, unsigned flags)
{
    int file = memfd_create(name, flags);
    return file < 0 ? -errno : file;
}
