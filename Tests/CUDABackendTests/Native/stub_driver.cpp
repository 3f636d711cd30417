// A driver for tests: the functions of libcuda that the backend uses, in memory of the host, with a thread for each stream.
// It checks what the real one leaves undefined: dead handles, no current context, memory that was never given out.
#include <dlfcn.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <set>
#include <thread>

#include "stub.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace stub {
std::recursive_mutex lock;
std::string emulation_folder;

struct Script {
    int nth, result;
};
struct Block {
    size_t size;
    int kind;
    struct Pool *pool;
};
struct Graph {
    std::vector<std::function<void()>> nodes;
};
struct Stream {
    std::deque<std::function<void()>> queue;
    bool busy = false, stops = false;
    Graph *capture = nullptr;
    int priority = 0;
    std::mutex guard;
    std::condition_variable changed;
    std::thread thread;
};
struct Event {
    std::atomic<uint64_t> submitted{0}, completed{0};
    std::atomic<int64_t> time{0};
    bool keeps_time = true;
    bool captured = false;
};
struct Pool {
    uint64_t used = 0, reserved = 0, threshold = 0;
};
struct Module {
    void *library = nullptr;
    bool is_ptx = false;
    std::string path, text;
};
struct Function {
    std::string name;
    void (*run)(void **, const unsigned *, const unsigned *) = nullptr;
    size_t (*sizes)(size_t *) = nullptr;
    bool is_clock = false;
    void *module = nullptr;
};
struct Link {
    std::string text, image;
    char *log = nullptr;
    size_t log_size = 0;
};

std::vector<std::string> calls, violations;
std::map<std::string, int> counts;
std::map<std::string, Script> scripts;
std::map<std::string, long> settings;
std::map<uint64_t, Block> blocks;
std::map<void *, std::pair<std::string, std::shared_ptr<void>>> objects;
std::atomic<int> sticky{0};
int initialized = 0, retained = 0;
bool is_active = false;
int primary; // its address is the context's handle
thread_local void *current = nullptr;
thread_local bool in_host_function = false;

long setting(const std::string &name, long normal) {
    auto found = settings.find(name);
    return found == settings.end() ? normal : found->second;
}

int enter(const std::string &function, const std::string &arguments) {
    std::lock_guard<std::recursive_mutex> hold(lock);
    calls.push_back(arguments.empty() ? function : function + " " + arguments);
    if (in_host_function) {
        violation(function + " was called from the driver's thread of host functions");
        return HCU_NOT_PERMITTED;
    }
    int count = ++counts[function];
    auto found = scripts.find(function);
    if (found != scripts.end() && found->second.nth == count) {
        int result = found->second.result;
        if (result >= 700 && result <= 719 && result != 701 && result != 708 && result != 709) break_context(result);
        return result;
    }
    return 0;
}

void violation(const std::string &text) {
    std::lock_guard<std::recursive_mutex> hold(lock);
    violations.push_back(text);
}

bool holds(uint64_t address, size_t size, int kind) {
    std::lock_guard<std::recursive_mutex> hold(lock);
    auto next = blocks.upper_bound(address);
    if (next == blocks.begin()) return false;
    auto &[start, block] = *--next;
    return (kind == 0 || block.kind == kind) && address - start <= block.size && size <= block.size - (address - start);
}

void break_context(int result) {
    int expected = 0;
    sticky.compare_exchange_strong(expected, result);
}

template <typename T> T *find(void *handle, const char *kind) {
    std::lock_guard<std::recursive_mutex> hold(lock);
    auto found = objects.find(handle);
    if (found != objects.end() && found->second.first == kind) return (T *)found->second.second.get();
    violation(std::string("a dead or foreign handle was given as a ") + kind);
    return nullptr;
}
template <typename T> std::shared_ptr<T> share(void *handle, const char *kind) {
    std::lock_guard<std::recursive_mutex> hold(lock);
    if (!find<T>(handle, kind)) return nullptr;
    return std::static_pointer_cast<T>(objects[handle].second);
}
template <typename T, typename H> T *add(H *handle, const char *kind) {
    std::lock_guard<std::recursive_mutex> hold(lock);
    auto made = std::make_shared<T>();
    objects[made.get()] = {kind, made};
    *handle = (H)made.get();
    return made.get();
}
int drop(void *handle, const char *kind) {
    std::lock_guard<std::recursive_mutex> hold(lock);
    auto found = objects.find(handle);
    if (found == objects.end() || found->second.first != kind) {
        violation(std::string("a dead or foreign handle was destroyed as a ") + kind);
        return HCU_INVALID_HANDLE;
    }
    objects.erase(found);
    return 0;
}

void serve(std::shared_ptr<Stream> stream) {
    std::unique_lock<std::mutex> hold(stream->guard);
    for (;;) {
        stream->changed.wait(hold, [&] { return stream->stops || !stream->queue.empty(); });
        if (stream->queue.empty()) return;
        auto work = std::move(stream->queue.front());
        stream->queue.pop_front();
        stream->busy = true;
        hold.unlock();
        if (!sticky) work();
        hold.lock();
        stream->busy = false;
        stream->changed.notify_all();
    }
}

int submit(hcu_stream handle, std::function<void()> work) {
    if (!handle) {
        work();
        return 0;
    }
    auto stream = share<Stream>(handle, "stream");
    if (!stream) return HCU_INVALID_HANDLE;
    if (stream->capture) {
        stream->capture->nodes.push_back(std::move(work));
        return 0;
    }
    std::lock_guard<std::mutex> hold(stream->guard);
    stream->queue.push_back(std::move(work));
    stream->changed.notify_all();
    return 0;
}

void finish(Stream *stream) {
    std::unique_lock<std::mutex> hold(stream->guard);
    stream->changed.wait(hold, [&] { return stream->queue.empty() && !stream->busy; });
}

void end_stream(std::shared_ptr<Stream> stream) {
    finish(stream.get());
    {
        std::lock_guard<std::mutex> hold(stream->guard);
        stream->stops = true;
        stream->changed.notify_all();
    }
    stream->thread.join();
}

// A pool gives back what lies above its threshold when somebody waits.
void release_pools() {
    std::lock_guard<std::recursive_mutex> hold(lock);
    for (auto &[handle, object] : objects)
        if (object.first == "pool") {
            Pool *pool = (Pool *)object.second.get();
            if (pool->reserved > pool->threshold) pool->reserved = std::max(pool->used, pool->threshold);
        }
}

uint64_t device_bytes() {
    uint64_t sum = 0;
    for (auto &[start, block] : blocks)
        if (block.kind == HCU_MEMORY_DEVICE) sum += block.size;
    return sum;
}

int allocate(uint64_t *address, size_t bytes, int kind, Pool *pool) {
    std::lock_guard<std::recursive_mutex> hold(lock);
    uint64_t total = (uint64_t)setting("memory", 1 << 30);
    if (kind == HCU_MEMORY_DEVICE && device_bytes() + bytes > total) return HCU_OUT_OF_MEMORY;
    void *place = nullptr;
    if (bytes == 0 || posix_memalign(&place, 256, (bytes + 255) / 256 * 256)) return HCU_OUT_OF_MEMORY;
    memset(place, 0xCD, bytes);
    blocks[(uint64_t)place] = {bytes, kind, pool};
    if (pool) {
        pool->used += bytes;
        pool->reserved = std::max(pool->reserved, pool->used);
    }
    *address = (uint64_t)place;
    return 0;
}

int release(uint64_t address, int kind) {
    std::lock_guard<std::recursive_mutex> hold(lock);
    auto found = blocks.find(address);
    if (found == blocks.end() || found->second.kind != kind) {
        violation("memory was freed that is not allocated");
        return HCU_INVALID_VALUE;
    }
    if (found->second.pool) found->second.pool->used -= found->second.size;
    free((void *)address);
    blocks.erase(found);
    return 0;
}
} // namespace stub

using namespace stub;

#define ENTER(...) \
    do { \
        if (int scripted = enter(__func__ __VA_OPT__(, ) __VA_ARGS__)) return scripted; \
        if (!initialized) return HCU_NOT_INITIALIZED; \
    } while (0)

// Needs the living context to be the thread's; a broken one answers with what broke it.
#define ENTER_CONTEXT(...) \
    do { \
        ENTER(__VA_ARGS__); \
        if (current != &primary || !is_active) { \
            violation(std::string(__func__) + " was called without the context"); \
            return HCU_INVALID_CONTEXT; \
        } \
        if (sticky) return sticky; \
    } while (0)

#define FIND(type, name, handle, kind) \
    type *name = find<type>((void *)(handle), kind); \
    if (!name) return HCU_INVALID_HANDLE

static std::string text(uint64_t number) { return std::to_string(number); }

// ---- For the tests ----

EXPORT void stub_reset(const char *folder) {
    std::lock_guard<std::recursive_mutex> hold(lock);
    for (auto &[handle, object] : std::map(objects))
        if (object.first == "stream") {
            ((Stream *)object.second.get())->queue.clear();
            end_stream(std::static_pointer_cast<Stream>(object.second));
        }
    objects.clear();
    for (auto &[start, block] : blocks) free((void *)start);
    blocks.clear();
    calls.clear();
    violations.clear();
    counts.clear();
    scripts.clear();
    settings.clear();
    sticky = 0;
    initialized = retained = 0;
    is_active = false;
    emulation_folder = folder;
}
EXPORT void stub_fail(const char *function, int nth, int result) {
    std::lock_guard<std::recursive_mutex> hold(lock);
    counts[function] = 0;
    scripts[function] = {nth, result};
}
EXPORT void stub_set(const char *name, long value) {
    std::lock_guard<std::recursive_mutex> hold(lock);
    settings[name] = value;
}
EXPORT void stub_break(int result) { break_context(result); }
EXPORT size_t stub_text(int what, char *place, size_t size) {
    std::lock_guard<std::recursive_mutex> hold(lock);
    std::string all;
    if (what < 2)
        for (auto &line : what == 0 ? calls : violations) all += line + "\n";
    else {
        std::map<std::string, int> living;
        for (auto &[handle, object] : objects) living[object.first]++;
        for (auto &[start, block] : blocks) living[block.kind == HCU_MEMORY_HOST ? "host memory" : "device memory"]++;
        if (retained) living["retained"] = retained;
        for (auto &[kind, count] : living) all += kind + " " + std::to_string(count) + "\n";
    }
    if (place && size > all.size()) memcpy(place, all.c_str(), all.size() + 1);
    return all.size() + 1;
}
EXPORT void stub_clear_calls(void) {
    std::lock_guard<std::recursive_mutex> hold(lock);
    calls.clear();
}

// ---- Devices ----

EXPORT int32_t cuInit(uint32_t flags) {
    if (int scripted = enter(__func__)) return scripted;
    if (flags) return HCU_INVALID_VALUE;
    initialized = 1;
    return setting("devices", 1) == 0 ? HCU_NO_DEVICE : 0;
}
EXPORT int32_t cuDriverGetVersion(int32_t *version) {
    if (int scripted = enter(__func__)) return scripted;
    *version = 13000;
    return 0;
}
EXPORT int32_t cuGetErrorName(int32_t result, const char **name) {
    static const std::map<int, const char *> names = {
        {1, "CUDA_ERROR_INVALID_VALUE"}, {2, "CUDA_ERROR_OUT_OF_MEMORY"}, {400, "CUDA_ERROR_INVALID_HANDLE"},
        {700, "CUDA_ERROR_ILLEGAL_ADDRESS"}, {719, "CUDA_ERROR_LAUNCH_FAILED"}};
    auto found = names.find(result);
    if (found == names.end()) return HCU_INVALID_VALUE;
    *name = found->second;
    return 0;
}
EXPORT int32_t cuGetErrorString(int32_t result, const char **words) {
    if (result != 700) return HCU_INVALID_VALUE;
    *words = "an illegal memory access was encountered";
    return 0;
}
EXPORT int32_t cuDeviceGetCount(int32_t *count) {
    ENTER();
    *count = (int32_t)setting("devices", 1);
    return 0;
}
EXPORT int32_t cuDeviceGet(hcu_device *device, int32_t ordinal) {
    ENTER();
    if (ordinal < 0 || ordinal >= setting("devices", 1)) return HCU_INVALID_DEVICE;
    *device = ordinal;
    return 0;
}
EXPORT int32_t cuDeviceGetName(char *name, int32_t size, hcu_device) {
    ENTER();
    snprintf(name, (size_t)size, "Stub GPU");
    return 0;
}
EXPORT int32_t cuDeviceGetUuid_v2(hcu_uuid *uuid, hcu_device device) {
    ENTER();
    for (int i = 0; i < 16; i++) uuid->bytes[i] = (uint8_t)(16 * device + i);
    return 0;
}
EXPORT int32_t cuDeviceGetPCIBusId(char *address, int32_t size, hcu_device device) {
    ENTER();
    snprintf(address, (size_t)size, "0000:%02X:00.0", 0x3B + device);
    return 0;
}
EXPORT int32_t cuDeviceGetAttribute(int32_t *value, int32_t attribute, hcu_device) {
    ENTER();
    static const std::map<int, int> known = {
        {HCU_DEVICE_MAX_THREADS_PER_BLOCK, 1024}, {HCU_DEVICE_MAX_SHARED_PER_BLOCK, 49152},
        {HCU_DEVICE_WARP_SIZE, 32}, {HCU_DEVICE_MULTIPROCESSORS, 4}, {HCU_DEVICE_COMPUTE_MAJOR, 9},
        {HCU_DEVICE_COMPUTE_MINOR, 0}, {HCU_DEVICE_ECC, 1}, {HCU_DEVICE_L2_BYTES, 1 << 20}};
    if (attribute == HCU_DEVICE_POOLS) {
        *value = (int32_t)setting("pools", 1);
        return 0;
    }
    auto found = known.find(attribute);
    if (found == known.end()) return HCU_INVALID_VALUE;
    *value = found->second;
    return 0;
}
EXPORT int32_t cuDeviceTotalMem_v2(size_t *bytes, hcu_device) {
    ENTER();
    *bytes = (size_t)setting("memory", 1 << 30);
    return 0;
}

// ---- The primary context ----

EXPORT int32_t cuDevicePrimaryCtxRetain(hcu_context *context, hcu_device) {
    ENTER();
    retained++;
    is_active = true;
    *context = (hcu_context)&primary;
    return 0;
}
static void end_context() {
    std::vector<std::shared_ptr<Stream>> streams;
    {
        std::lock_guard<std::recursive_mutex> hold(lock);
        for (auto &[handle, object] : objects)
            if (object.first == "stream") streams.push_back(std::static_pointer_cast<Stream>(object.second));
    }
    if (!sticky) sticky = HCU_CONTEXT_IS_DESTROYED; // so that waiting work lets go
    for (auto &stream : streams) end_stream(stream);
    std::lock_guard<std::recursive_mutex> hold(lock);
    objects.clear();
    for (auto &[start, block] : blocks) free((void *)start);
    blocks.clear();
    sticky = 0;
    is_active = false;
}
EXPORT int32_t cuDevicePrimaryCtxRelease_v2(hcu_device) {
    ENTER();
    if (retained <= 0) {
        violation("the primary context was released more often than retained");
        return HCU_INVALID_CONTEXT;
    }
    if (--retained == 0) {
        std::lock_guard<std::recursive_mutex> hold(lock);
        if (!objects.empty() || !blocks.empty()) violation("the context ended with objects in it");
        is_active = false;
    }
    return 0;
}
EXPORT int32_t cuDevicePrimaryCtxReset_v2(hcu_device) {
    ENTER();
    end_context();
    return 0;
}
EXPORT int32_t cuCtxSetCurrent(hcu_context context) {
    ENTER();
    if ((void *)context != &primary) return HCU_INVALID_CONTEXT;
    current = context;
    return 0;
}
EXPORT int32_t cuCtxGetStreamPriorityRange(int32_t *least, int32_t *greatest) {
    ENTER_CONTEXT();
    *least = 0;
    *greatest = -5;
    return 0;
}
EXPORT int32_t cuCtxSynchronize(void) {
    ENTER_CONTEXT();
    std::vector<std::shared_ptr<Stream>> streams;
    {
        std::lock_guard<std::recursive_mutex> hold(lock);
        for (auto &[handle, object] : objects)
            if (object.first == "stream") streams.push_back(std::static_pointer_cast<Stream>(object.second));
    }
    for (auto &stream : streams) finish(stream.get());
    return sticky;
}

// ---- Streams ----

EXPORT int32_t cuStreamCreateWithPriority(hcu_stream *stream, uint32_t flags, int32_t priority) {
    ENTER_CONTEXT(text(flags) + " " + std::to_string(priority));
    if (priority > 0 || priority < -5) violation("a stream's priority is out of the driver's range");
    add<Stream>(stream, "stream")->priority = priority;
    auto shared = share<Stream>(*stream, "stream");
    shared->thread = std::thread(serve, shared);
    return 0;
}
EXPORT int32_t cuStreamDestroy_v2(hcu_stream stream) {
    ENTER();
    auto shared = share<Stream>(stream, "stream");
    if (!shared) return HCU_INVALID_HANDLE;
    if (shared->capture) violation("a stream was destroyed while it was captured");
    end_stream(shared);
    return drop(stream, "stream");
}
EXPORT int32_t cuStreamQuery(hcu_stream handle) {
    ENTER_CONTEXT();
    FIND(Stream, stream, handle, "stream");
    if (stream->capture) return HCU_STREAM_CAPTURE_UNSUPPORTED;
    std::lock_guard<std::mutex> hold(stream->guard);
    if (sticky) return sticky;
    return stream->queue.empty() && !stream->busy ? 0 : HCU_NOT_READY;
}
EXPORT int32_t cuStreamSynchronize(hcu_stream handle) {
    ENTER_CONTEXT();
    FIND(Stream, stream, handle, "stream");
    if (stream->capture) return HCU_STREAM_CAPTURE_UNSUPPORTED;
    finish(stream);
    release_pools();
    return sticky;
}
EXPORT int32_t cuStreamWaitEvent(hcu_stream stream, hcu_event handle, uint32_t flags) {
    ENTER_CONTEXT();
    if (flags) return HCU_INVALID_VALUE;
    auto event = share<Event>(handle, "event");
    if (!event) return HCU_INVALID_HANDLE;
    uint64_t number = event->submitted;
    return submit(stream, [event, number] {
        while (event->completed < number && !sticky) std::this_thread::sleep_for(std::chrono::microseconds(50));
    });
}
EXPORT int32_t cuLaunchHostFunc(hcu_stream stream, void (*function)(void *), void *user) {
    ENTER_CONTEXT();
    return submit(stream, [function, user] {
        in_host_function = true;
        function(user);
        in_host_function = false;
    });
}
EXPORT int32_t cuStreamWriteValue32_v2(hcu_stream stream, hcu_address address, uint32_t value, uint32_t flags) {
    ENTER_CONTEXT(text(value));
    if (flags || !holds(address, 4, 0)) return HCU_INVALID_VALUE;
    return submit(stream, [address, value] { *(volatile uint32_t *)address = value; });
}
EXPORT int32_t cuStreamBeginCapture_v2(hcu_stream handle, int32_t mode) {
    ENTER_CONTEXT(text((uint64_t)mode));
    FIND(Stream, stream, handle, "stream");
    if (stream->capture) return HCU_ILLEGAL_STATE;
    stream->capture = new Graph;
    return 0;
}
EXPORT int32_t cuStreamEndCapture(hcu_stream handle, hcu_graph *graph) {
    ENTER_CONTEXT();
    FIND(Stream, stream, handle, "stream");
    if (!stream->capture) return HCU_ILLEGAL_STATE;
    *add<Graph>(graph, "graph") = *stream->capture;
    delete stream->capture;
    stream->capture = nullptr;
    return 0;
}
EXPORT int32_t cuGraphInstantiateWithFlags(hcu_graph_exec *exec, hcu_graph handle, uint64_t flags) {
    ENTER_CONTEXT();
    if (flags) return HCU_INVALID_VALUE;
    FIND(Graph, graph, handle, "graph");
    *add<Graph>(exec, "graph exec") = *graph;
    return 0;
}
EXPORT int32_t cuGraphLaunch(hcu_graph_exec handle, hcu_stream stream) {
    ENTER_CONTEXT();
    FIND(Graph, graph, handle, "graph exec");
    for (auto &node : graph->nodes)
        if (int result = submit(stream, node)) return result;
    return 0;
}
EXPORT int32_t cuGraphExecDestroy(hcu_graph_exec exec) {
    ENTER();
    return drop(exec, "graph exec");
}
EXPORT int32_t cuGraphDestroy(hcu_graph graph) {
    ENTER();
    return drop(graph, "graph");
}

// ---- Events ----

EXPORT int32_t cuEventCreate(hcu_event *event, uint32_t flags) {
    ENTER_CONTEXT(text(flags));
    add<Event>(event, "event")->keeps_time = !(flags & HCU_EVENT_WITHOUT_TIME);
    return 0;
}
EXPORT int32_t cuEventDestroy_v2(hcu_event event) {
    ENTER();
    return drop(event, "event");
}
EXPORT int32_t cuEventRecord(hcu_event handle, hcu_stream stream) {
    ENTER_CONTEXT();
    auto event = share<Event>(handle, "event");
    if (!event) return HCU_INVALID_HANDLE;
    uint64_t number = ++event->submitted;
    return submit(stream, [event, number] {
        event->time = std::chrono::steady_clock::now().time_since_epoch().count();
        event->completed = number;
    });
}
EXPORT int32_t cuEventQuery(hcu_event handle) {
    ENTER_CONTEXT();
    FIND(Event, event, handle, "event");
    return event->completed >= event->submitted ? 0 : HCU_NOT_READY;
}
EXPORT int32_t cuEventSynchronize(hcu_event handle) {
    ENTER_CONTEXT();
    auto event = share<Event>(handle, "event");
    if (!event) return HCU_INVALID_HANDLE;
    while (event->completed < event->submitted && !sticky)
        std::this_thread::sleep_for(std::chrono::microseconds(50));
    return sticky;
}
EXPORT int32_t cuEventElapsedTime(float *milliseconds, hcu_event first, hcu_event second) {
    ENTER_CONTEXT();
    FIND(Event, start, first, "event");
    FIND(Event, end, second, "event");
    if (!start->keeps_time || !end->keeps_time || !start->submitted || !end->submitted) return HCU_INVALID_HANDLE;
    if (start->completed < start->submitted || end->completed < end->submitted) return HCU_NOT_READY;
    *milliseconds = (float)((double)(end->time - start->time) / 1e6);
    return 0;
}

// ---- Memory ----

EXPORT int32_t cuMemAlloc_v2(hcu_address *address, size_t bytes) {
    ENTER_CONTEXT(text(bytes));
    return allocate(address, bytes, HCU_MEMORY_DEVICE, nullptr);
}
EXPORT int32_t cuMemFree_v2(hcu_address address) {
    ENTER_CONTEXT();
    return release(address, HCU_MEMORY_DEVICE);
}
EXPORT int32_t cuMemGetInfo_v2(size_t *free_bytes, size_t *total) {
    ENTER_CONTEXT();
    *total = (size_t)setting("memory", 1 << 30);
    *free_bytes = *total - device_bytes();
    return 0;
}
EXPORT int32_t cuMemHostAlloc(void **address, size_t bytes, uint32_t flags) {
    ENTER_CONTEXT(text(bytes) + " " + text(flags));
    return allocate((uint64_t *)address, bytes, HCU_MEMORY_HOST, nullptr);
}
EXPORT int32_t cuMemFreeHost(void *address) {
    ENTER_CONTEXT();
    return release((uint64_t)address, HCU_MEMORY_HOST);
}
EXPORT int32_t cuMemHostGetDevicePointer_v2(hcu_address *address, void *host, uint32_t flags) {
    ENTER_CONTEXT();
    if (flags || !holds((uint64_t)host, 1, HCU_MEMORY_HOST)) return HCU_INVALID_VALUE;
    *address = (uint64_t)host;
    return 0;
}
EXPORT int32_t cuPointerGetAttribute(void *value, int32_t attribute, hcu_address address) {
    ENTER_CONTEXT();
    if (attribute != HCU_POINTER_MEMORY_TYPE) return HCU_INVALID_VALUE;
    bool is_host = holds(address, 1, HCU_MEMORY_HOST);
    if (!is_host && !holds(address, 1, HCU_MEMORY_DEVICE)) return HCU_INVALID_VALUE;
    *(uint32_t *)value = is_host ? HCU_MEMORY_HOST : HCU_MEMORY_DEVICE;
    return 0;
}

// The device reaches only its own memory and pinned memory; anything else breaks the context, later.
static int copy_bytes(void *target, const void *source, size_t bytes, hcu_stream stream, bool waits) {
    int result = submit(stream, [=] { memmove(target, source, bytes); });
    // From and to ordinary memory the real driver waits too.
    if (waits && !result && find<Stream>(stream, "stream") && !find<Stream>(stream, "stream")->capture)
        finish(find<Stream>(stream, "stream"));
    return result;
}
static int check_device(hcu_address address, size_t bytes) {
    if (holds(address, bytes, HCU_MEMORY_DEVICE)) return 0;
    violation("a copy or fill leaves the device's memory");
    return HCU_INVALID_VALUE;
}
EXPORT int32_t cuMemcpyHtoDAsync_v2(hcu_address target, const void *source, size_t bytes, hcu_stream stream) {
    bool pinned = holds((uint64_t)source, bytes, HCU_MEMORY_HOST);
    ENTER_CONTEXT(text(bytes) + (pinned ? " pinned" : " ordinary"));
    if (int bad = check_device(target, bytes)) return bad;
    return copy_bytes((void *)target, source, bytes, stream, !pinned);
}
EXPORT int32_t cuMemcpyDtoHAsync_v2(void *target, hcu_address source, size_t bytes, hcu_stream stream) {
    bool pinned = holds((uint64_t)target, bytes, HCU_MEMORY_HOST);
    ENTER_CONTEXT(text(bytes) + (pinned ? " pinned" : " ordinary"));
    if (int bad = check_device(source, bytes)) return bad;
    return copy_bytes(target, (void *)source, bytes, stream, !pinned);
}
EXPORT int32_t cuMemcpyDtoDAsync_v2(hcu_address target, hcu_address source, size_t bytes, hcu_stream stream) {
    ENTER_CONTEXT(text(bytes));
    if (int bad = check_device(target, bytes)) return bad;
    if (int bad = check_device(source, bytes)) return bad;
    return copy_bytes((void *)target, (void *)source, bytes, stream, false);
}
EXPORT int32_t cuMemcpy3DAsync_v2(const hcu_copy3d *given, hcu_stream stream) {
    hcu_copy3d c = *given;
    ENTER_CONTEXT(text(c.width_bytes) + "x" + text(c.height) + "x" + text(c.depth));
    auto reach = [&](size_t pitch, size_t rows) {
        return ((c.depth - 1) * rows + c.height - 1) * pitch + c.width_bytes;
    };
    if (c.source_pitch < c.width_bytes || c.target_pitch < c.width_bytes || c.source_height < c.height
        || c.target_height < c.height)
        return HCU_INVALID_VALUE;
    const char *from = c.source_type == HCU_MEMORY_DEVICE ? (const char *)c.source_device : (const char *)c.source_host;
    char *to = c.target_type == HCU_MEMORY_DEVICE ? (char *)c.target_device : (char *)c.target_host;
    if (c.source_type == HCU_MEMORY_DEVICE)
        if (int bad = check_device(c.source_device, reach(c.source_pitch, c.source_height))) return bad;
    if (c.target_type == HCU_MEMORY_DEVICE)
        if (int bad = check_device(c.target_device, reach(c.target_pitch, c.target_height))) return bad;
    return submit(stream, [=] {
        for (size_t z = 0; z < c.depth; z++)
            for (size_t y = 0; y < c.height; y++)
                memmove(
                    to + (z * c.target_height + y) * c.target_pitch,
                    from + (z * c.source_height + y) * c.source_pitch, c.width_bytes);
    });
}
EXPORT int32_t cuMemsetD8Async(hcu_address target, uint8_t value, size_t bytes, hcu_stream stream) {
    ENTER_CONTEXT(text(value) + " " + text(bytes));
    if (int bad = check_device(target, bytes)) return bad;
    return submit(stream, [=] { memset((void *)target, value, bytes); });
}

// ---- Pools ----

EXPORT int32_t cuMemPoolCreate(hcu_pool *pool, const hcu_pool_properties *properties) {
    ENTER_CONTEXT();
    if (properties->allocation_type != 1 || properties->location.type != 1 || properties->handle_types != 0)
        return HCU_INVALID_VALUE;
    for (uint8_t byte : properties->reserved)
        if (byte) return HCU_INVALID_VALUE;
    add<Pool>(pool, "pool");
    return 0;
}
EXPORT int32_t cuMemPoolDestroy(hcu_pool pool) {
    ENTER();
    return drop(pool, "pool");
}
EXPORT int32_t cuMemPoolSetAttribute(hcu_pool handle, int32_t attribute, void *value) {
    ENTER_CONTEXT(text((uint64_t)attribute) + " " + text(*(uint64_t *)value));
    FIND(Pool, pool, handle, "pool");
    if (attribute != HCU_POOL_RELEASE_THRESHOLD) return HCU_INVALID_VALUE;
    pool->threshold = *(uint64_t *)value;
    return 0;
}
EXPORT int32_t cuMemPoolGetAttribute(hcu_pool handle, int32_t attribute, void *value) {
    ENTER_CONTEXT();
    FIND(Pool, pool, handle, "pool");
    if (attribute != HCU_POOL_RESERVED_CURRENT) return HCU_INVALID_VALUE;
    *(uint64_t *)value = pool->reserved;
    return 0;
}
EXPORT int32_t cuMemPoolTrimTo(hcu_pool handle, size_t bytes) {
    ENTER_CONTEXT(text(bytes));
    FIND(Pool, pool, handle, "pool");
    pool->reserved = std::max<uint64_t>(pool->used, bytes);
    return 0;
}
EXPORT int32_t cuMemAllocFromPoolAsync(hcu_address *address, size_t bytes, hcu_pool handle, hcu_stream stream) {
    ENTER_CONTEXT(text(bytes));
    FIND(Pool, pool, handle, "pool");
    if (!find<Stream>(stream, "stream")) return HCU_INVALID_HANDLE;
    return allocate(address, bytes, HCU_MEMORY_DEVICE, pool);
}
EXPORT int32_t cuMemFreeAsync(hcu_address address, hcu_stream stream) {
    ENTER_CONTEXT();
    if (!holds(address, 1, HCU_MEMORY_DEVICE)) {
        violation("memory was freed that is not allocated");
        return HCU_INVALID_VALUE;
    }
    {
        // Later allocations in the stream may have it at once, since their work comes after this.
        std::lock_guard<std::recursive_mutex> hold(lock);
        auto found = blocks.find(address);
        if (found != blocks.end() && found->second.pool) {
            found->second.pool->used -= found->second.size;
            found->second.pool = nullptr;
        }
    }
    return submit(stream, [address] { release(address, HCU_MEMORY_DEVICE); });
}

// ---- Code ----

EXPORT int32_t cuModuleLoadData(hcu_module *handle, const void *image) {
    ENTER_CONTEXT();
    std::string start((const char *)image, strnlen((const char *)image, 8));
    if (start == "HENGSTUB") {
        uint64_t size = 0;
        memcpy(&size, (const char *)image + 8, 8);
        static std::atomic<int> number{0};
        std::string path = emulation_folder + "/module" + std::to_string(getpid()) + "-" + std::to_string(number++) + ".so";
        FILE *file = fopen(path.c_str(), "w");
        if (!file) return HCU_OPERATING_SYSTEM;
        fwrite((const char *)image + 16, 1, size, file);
        fclose(file);
        void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
        unlink(path.c_str());
        if (!library) return HCU_INVALID_IMAGE;
        Module *module = add<Module>(handle, "module");
        module->library = library;
        return 0;
    }
    std::string words((const char *)image);
    if (words.find(".version") == std::string::npos) return HCU_INVALID_IMAGE;
    Module *module = add<Module>(handle, "module");
    module->is_ptx = true;
    module->text = words;
    return 0;
}
EXPORT int32_t cuModuleUnload(hcu_module handle) {
    ENTER_CONTEXT();
    FIND(Module, module, handle, "module");
    std::lock_guard<std::recursive_mutex> hold(lock);
    for (auto next = objects.begin(); next != objects.end();)
        next = next->second.first == "function" && ((Function *)next->second.second.get())->module == module
            ? objects.erase(next)
            : ++next;
    return drop(handle, "module");
}
EXPORT int32_t cuModuleGetFunction(hcu_function *handle, hcu_module module_handle, const char *name) {
    ENTER_CONTEXT(name);
    FIND(Module, module, module_handle, "module");
    Function found;
    found.name = name;
    found.module = module;
    if (module->is_ptx) {
        if (module->text.find(std::string(".entry ") + name) == std::string::npos) return HCU_NOT_FOUND;
        found.is_clock = found.name == "heng_clock";
    } else {
        *(void **)&found.run = dlsym(module->library, (std::string("emulated_run_") + name).c_str());
        *(void **)&found.sizes = dlsym(module->library, (std::string("emulated_sizes_") + name).c_str());
        if (!found.run || !found.sizes) return HCU_NOT_FOUND;
    }
    *add<Function>(handle, "function") = found;
    return 0;
}
EXPORT int32_t cuFuncGetAttribute(int32_t *value, int32_t attribute, hcu_function handle) {
    ENTER_CONTEXT();
    FIND(Function, function, handle, "function");
    (void)function;
    *value = attribute == HCU_FUNCTION_MAX_THREADS ? 1024 : 0;
    return 0;
}
EXPORT int32_t cuFuncSetAttribute(hcu_function handle, int32_t attribute, int32_t value) {
    ENTER_CONTEXT(text((uint64_t)attribute) + " " + text((uint64_t)value));
    FIND(Function, function, handle, "function");
    (void)function;
    return attribute == HCU_FUNCTION_MAX_DYNAMIC_SHARED ? 0 : HCU_INVALID_VALUE;
}
EXPORT int32_t cuFuncGetParamInfo(hcu_function handle, size_t index, size_t *offset, size_t *size) {
    ENTER_CONTEXT();
    FIND(Function, function, handle, "function");
    size_t sizes[64] = {8}, count = function->sizes ? function->sizes(sizes) : 1;
    if (index >= count) return HCU_INVALID_VALUE;
    *offset = 0;
    *size = sizes[index];
    return 0;
}
EXPORT int32_t cuLaunchKernel(
    hcu_function handle, uint32_t grid_x, uint32_t grid_y, uint32_t grid_z, uint32_t block_x, uint32_t block_y,
    uint32_t block_z, uint32_t shared, hcu_stream stream, void **parameters, void **extra) {
    ENTER_CONTEXT();
    FIND(Function, function, handle, "function");
    if (extra || !grid_x || !grid_y || !grid_z || grid_y > 65535 || grid_z > 65535) return HCU_INVALID_VALUE;
    if (!block_x || !block_y || !block_z || block_x * block_y * block_z > 1024 || block_z > 64)
        return HCU_INVALID_VALUE;
    (void)shared;
    size_t sizes[64] = {8}, count = function->sizes ? function->sizes(sizes) : 1;
    // The driver copies the values before it returns.
    auto values = std::make_shared<std::vector<std::vector<char>>>();
    for (size_t i = 0; i < count; i++)
        values->emplace_back((char *)parameters[i], (char *)parameters[i] + sizes[i]);
    Function copy = *function;
    return submit(stream, [=] {
        std::vector<void *> places;
        for (auto &value : *values) places.push_back(value.data());
        unsigned grid[3] = {grid_x, grid_y, grid_z}, block[3] = {block_x, block_y, block_z};
        if (copy.run) copy.run(places.data(), grid, block);
        if (copy.is_clock)
            **(int64_t **)places[0] = std::chrono::steady_clock::now().time_since_epoch().count() + 1000000000;
    });
}
EXPORT int32_t cuLinkCreate_v2(uint32_t count, int32_t *options, void **values, hcu_link *handle) {
    ENTER_CONTEXT();
    Link *link = add<Link>(handle, "link");
    for (uint32_t i = 0; i < count; i++) {
        if (options[i] == HCU_JIT_ERROR_LOG) link->log = (char *)values[i];
        if (options[i] == HCU_JIT_ERROR_LOG_BYTES) link->log_size = (size_t)values[i];
    }
    return 0;
}
EXPORT int32_t cuLinkAddData_v2(
    hcu_link handle, int32_t type, void *data, size_t size, const char *, uint32_t, int32_t *, void **) {
    ENTER_CONTEXT();
    FIND(Link, link, handle, "link");
    link->text.assign((const char *)data, strnlen((const char *)data, size));
    if (type != HCU_INPUT_PTX || link->text.size() == size) return HCU_INVALID_VALUE; // text must end with 0
    if (link->text.find(".version") == std::string::npos) {
        snprintf(link->log, link->log_size, "line 1: expected .version");
        return HCU_INVALID_PTX;
    }
    return 0;
}
EXPORT int32_t cuLinkComplete(hcu_link handle, void **image, size_t *size) {
    ENTER_CONTEXT();
    FIND(Link, link, handle, "link");
    link->image = link->text;
    *image = link->image.data();
    *size = link->image.size();
    return 0;
}
EXPORT int32_t cuLinkDestroy(hcu_link link) {
    ENTER();
    return drop(link, "link");
}
