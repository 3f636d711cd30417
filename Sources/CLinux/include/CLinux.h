/*
 * What Linux offers and Swift cannot call by itself: raw system calls, and calls behind macros or variadic
 * functions. One header per subject, each a contract of its own.
 *
 * Every function that can fail returns a negative errno (never -1 with errno set), so that a caller on any
 * thread reads one value. No function keeps memory or state between calls.
 */
#pragma once

#include "clinux_affinity.h"
#include "clinux_futex.h"
#include "clinux_memory.h"
#include "clinux_thread.h"
#include "process_socket.h"
#include "process_spawn.h"
#include "process_sweep.h"
#include "process_watch.h"
#include "shared_group.h"
#include "shared_queue.h"
