// CUDA C as plain C++ on one thread of the host: the threads of a block are fibers, which change places at a barrier.
// The stub compiler puts this before the source, and a line for each kernel behind it.
#include <ucontext.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
// One block runs at a time on a thread of the host.
#define __shared__ static thread_local

namespace emulation {
struct Triple {
    unsigned x, y, z;
};
thread_local Triple thread_index, block_index, block_size, grid_size;

struct Fiber {
    ucontext_t context;
    Triple index;
    bool done = false;
    std::vector<char> stack;
};
thread_local ucontext_t scheduler;
thread_local Fiber *current = nullptr;
thread_local const std::function<void()> *body = nullptr;

inline void barrier() {
    Fiber *self = current;
    swapcontext(&self->context, &scheduler);
    thread_index = self->index;
}

inline void begin() {
    (*body)();
    current->done = true;
}

inline void run_block(const std::function<void()> &kernel) {
    body = &kernel;
    static thread_local std::vector<Fiber> fibers;
    size_t count = (size_t)block_size.x * block_size.y * block_size.z;
    if (fibers.size() < count) fibers = std::vector<Fiber>(count);
    for (size_t i = 0; i < count; i++) {
        Fiber &fiber = fibers[i];
        fiber.done = false;
        fiber.index = {
            (unsigned)(i % block_size.x), (unsigned)(i / block_size.x % block_size.y),
            (unsigned)(i / block_size.x / block_size.y)};
        if (fiber.stack.empty()) fiber.stack.resize(32 << 10);
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.data();
        fiber.context.uc_stack.ss_size = fiber.stack.size();
        fiber.context.uc_link = &scheduler;
        makecontext(&fiber.context, begin, 0);
    }
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < count; i++) {
            if (fibers[i].done) continue;
            current = &fibers[i];
            thread_index = fibers[i].index;
            swapcontext(&scheduler, &fibers[i].context);
            more = more || !fibers[i].done;
        }
    }
}

template <typename... A, size_t... I>
void call(void (*kernel)(A...), void **parameters, std::index_sequence<I...>) {
    kernel(*(A *)parameters[I]...);
}

template <typename... A>
void run(void (*kernel)(A...), void **parameters, const unsigned *grid, const unsigned *block) {
    block_size = {block[0], block[1], block[2]};
    grid_size = {grid[0], grid[1], grid[2]};
    std::function<void()> one = [&] { call(kernel, parameters, std::index_sequence_for<A...>{}); };
    for (unsigned z = 0; z < grid[2]; z++)
        for (unsigned y = 0; y < grid[1]; y++)
            for (unsigned x = 0; x < grid[0]; x++) {
                block_index = {x, y, z};
                run_block(one);
            }
}

template <typename... A> size_t sizes(void (*)(A...), size_t *place) {
    size_t all[] = {sizeof(A)..., 0};
    for (size_t i = 0; i < sizeof...(A); i++) place[i] = all[i];
    return sizeof...(A);
}
} // namespace emulation

#define threadIdx emulation::thread_index
#define blockIdx emulation::block_index
#define blockDim emulation::block_size
#define gridDim emulation::grid_size
#define __syncthreads() emulation::barrier()

#define EMULATED_KERNEL(name) \
    extern "C" void emulated_run_##name(void **emulated_values, const unsigned *groups, const unsigned *items) { \
        emulation::run(name, emulated_values, groups, items); \
    } \
    extern "C" size_t emulated_sizes_##name(size_t *emulated_sizes) { \
        return emulation::sizes(name, emulated_sizes); \
    }
