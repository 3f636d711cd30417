/*
 * Sends chunks of data through two streams: one copies in, the other works and copies out.
 *
 * What to see: the copy of a chunk overlaps with the work on the chunk before it. Events join the streams: work waits
 * until its chunk is in, and a copy into a slot waits until the work on what the slot held before is done. The host
 * waits once, at the end. Each step notes when it ran; the order at the end shows that no chunk overtakes another.
 */
#include "check.h"

#include <stdatomic.h>

enum { CHUNKS = 6, SLOTS = 2, COUNT = 1 << 16 };

/* What ran, in the order in which it ran. */
static struct {
    char kind;
    int chunk;
} notes[2 * CHUNKS];
static atomic_int noted;

/* The arguments of both host functions: they are copied into the stream when it is launched. */
struct step {
    int chunk;
    float *data;
};

static void note(char kind, int chunk) {
    const int place = atomic_fetch_add(&noted, 1);
    notes[place].kind = kind;
    notes[place].chunk = chunk;
}

static void arrived(const void *arguments) { note('c', ((const struct step *)arguments)->chunk); }

/* The work: doubles every number of the chunk, in place. */
static void work(const void *arguments) {
    const struct step *step = arguments;
    for (int i = 0; i < COUNT; i++) step->data[i] *= 2;
    note('w', step->chunk);
}

static heng_event *make_event(heng_context *context) {
    heng_event *event = NULL;
    CHECK(heng->event_create(context, &event, &error));
    return event;
}

/* Position of a step in the notes. */
static int place_of(char kind, int chunk) {
    for (int i = 0; i < atomic_load(&noted); i++) {
        if (notes[i].kind == kind && notes[i].chunk == chunk) return i;
    }
    return -1;
}

int main(int argc, char **argv) {
    start();
    heng_device *device = choose_device(argc > 1 ? argv[1] : NULL);
    heng_context *context = NULL;
    heng_stream *copying = NULL, *working = NULL;
    CHECK(heng->context_create(device, &context, &error));
    CHECK(heng->stream_create(context, NULL, &copying, &error));
    CHECK(heng->stream_create(context, NULL, &working, &error));

    static float source[CHUNKS][COUNT], result[CHUNKS][COUNT];
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
        for (int i = 0; i < COUNT; i++) source[chunk][i] = (float)(chunk + 1);
    }
    const uint64_t size = sizeof source[0];
    heng_buffer *slots[SLOTS];
    heng_event *filled[SLOTS], *emptied[SLOTS];
    float *addresses[SLOTS];
    for (int slot = 0; slot < SLOTS; slot++) {
        slots[slot] = allocate(context, size);
        filled[slot] = make_event(context);
        emptied[slot] = make_event(context);
        CHECK(heng->buffer_host_address(slots[slot], (void **)&addresses[slot], &error));
    }

    for (int chunk = 0; chunk < CHUNKS; chunk++) {
        const int slot = chunk % SLOTS;
        const heng_range in = on_host(source[chunk], size), out = on_host(result[chunk], size);
        const heng_range place = whole(slots[slot], size);
        const struct step step = {.chunk = chunk, .data = addresses[slot]};
        /* The slot is free when the work on the chunk that it held is out. */
        if (chunk >= SLOTS) CHECK(heng->stream_wait_event(copying, emptied[slot], 0, &error));
        CHECK(heng->stream_copy(copying, &place, &in, size, 0, &error));
        CHECK(heng->stream_launch(copying, arrived, &step, sizeof step, 0, &error));
        CHECK(heng->event_record(filled[slot], copying, 0, &error));

        CHECK(heng->stream_wait_event(working, filled[slot], 0, &error));
        CHECK(heng->stream_launch(working, work, &step, sizeof step, 0, &error));
        CHECK(heng->stream_copy(working, &out, &place, size, 0, &error));
        CHECK(heng->event_record(emptied[slot], working, 0, &error));
    }
    CHECK(heng->stream_synchronize(working, -1, &error));

    printf("order:");
    for (int i = 0; i < atomic_load(&noted); i++) printf(" %c%d", notes[i].kind, notes[i].chunk);
    printf("   (c: copied in, w: worked on)\n");
    int wrong = 0;
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
        wrong += place_of('c', chunk) > place_of('w', chunk);
        wrong += chunk > 0 && place_of('w', chunk - 1) > place_of('w', chunk);
        for (int i = 0; i < COUNT; i++) wrong += result[chunk][i] != (float)(2 * (chunk + 1));
    }
    printf("%d chunks of %d numbers doubled, wrong: %d\n", CHUNKS, COUNT, wrong);

    for (int slot = 0; slot < SLOTS; slot++) {
        CHECK(heng->event_destroy(filled[slot], &error));
        CHECK(heng->event_destroy(emptied[slot], &error));
        CHECK(heng->buffer_free(slots[slot], &error));
    }
    CHECK(heng->stream_destroy(copying, &error));
    CHECK(heng->stream_destroy(working, &error));
    CHECK(heng->context_destroy(context, &error));
    CHECK(heng->finalize(&error));
    return wrong != 0;
}
