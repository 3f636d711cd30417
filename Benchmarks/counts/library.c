/*
 * What libheng.so costs a C program: launches and event records on the null device, which does nothing itself.
 *
 *   library                      nanoseconds of each, from many batches
 *   library instructions NAME    the same work once, a fixed number of times; see check.sh
 */
#define _GNU_SOURCE
#include <heng_accelerator.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 200, BATCHES = 50, SAMPLES = 1000 };

static const heng_accelerator_table *heng;
static heng_stream *stream;
static heng_event *event;

static void require(int32_t status, const char *what) {
    if (status == HENG_OK) return;
    fprintf(stderr, "%s failed with code %d\n", what, status);
    exit(1);
}

static void nothing(const void *arguments) { (void)arguments; }

/* Each name is how callgrind finds the part that is counted. */
__attribute__((noinline)) void launch_batch(int count) {
    for (uint64_t index = 0; index < (uint64_t)count; index++) {
        heng_error *error = NULL;
        require(heng->stream_launch(stream, nothing, &index, sizeof index, 0, &error), "stream_launch");
    }
}

__attribute__((noinline)) void record_batch(int count) {
    for (int index = 0; index < count; index++) {
        heng_error *error = NULL;
        require(heng->event_record(event, stream, 0, &error), "event_record");
    }
}

static void open_null_device(void) {
    setenv("HENG_NULL_DEVICE", "1", 1);
    heng = heng_accelerator_get(HENG_ACCELERATOR_MAJOR);
    const heng_initialize_arguments arguments = {
        .header = {.struct_size = sizeof arguments, .struct_kind = HENG_KIND_INITIALIZE_ARGUMENTS},
        .abi_major = HENG_ACCELERATOR_MAJOR,
        .abi_minor = HENG_ACCELERATOR_MINOR};
    require(heng->initialize(&arguments, NULL), "initialize");
    uint32_t count = 0;
    heng_device *device = NULL;
    heng_context *context = NULL;
    require(heng->device_count(&count, NULL), "device_count");
    /* The null device is the last. */
    require(heng->device_get(count - 1, &device, NULL), "device_get");
    require(heng->context_create(device, &context, NULL), "context_create");
    require(heng->stream_create(context, NULL, &stream, NULL), "stream_create");
    require(heng->event_create(context, &event, NULL), "event_create");
}

static int by_size(const void *one, const void *other) {
    const double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

static void measure(const char *name, void (*batch)(int)) {
    static double samples[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
        struct timespec start, end;
        clock_gettime(CLOCK_MONOTONIC, &start);
        batch(BATCH);
        clock_gettime(CLOCK_MONOTONIC, &end);
        const double nanoseconds =
            (double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec);
        samples[i] = nanoseconds / BATCH;
    }
    qsort(samples, SAMPLES, sizeof *samples, by_size);
    printf("%s through libheng.so on null, ns: median %.1f, 5 %% %.1f, 95 %% %.1f\n", name, samples[SAMPLES / 2],
        samples[SAMPLES / 20], samples[SAMPLES - SAMPLES / 20]);
}

int main(int argc, char **argv) {
    open_null_device();
    if (argc == 3 && strcmp(argv[1], "instructions") == 0) {
        void (*batch)(int) = strcmp(argv[2], "library-record") == 0 ? record_batch : launch_batch;
        for (int i = 0; i < BATCHES; i++) batch(BATCH);
        return 0;
    }
    measure("launch", launch_batch);
    measure("event record", record_batch);
    return 0;
}
