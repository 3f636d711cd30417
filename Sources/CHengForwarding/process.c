/* The life of the layer in a process, its devices by number, and its groups. */
#include <stdlib.h>

#include "forwarding.h"

const heng_forwarding_services *services;

enum { FRESH, READY, ENDED };
static _Atomic int phase = FRESH;

/* Held by initialize, finalize and the making of device objects. */
static pthread_mutex_t process_lock = PTHREAD_MUTEX_INITIALIZER;
static object **devices;
static uint32_t device_total;
static maker *makers;

bool is_initialized(void) { return atomic_load_explicit(&phase, memory_order_acquire) == READY; }

int32_t not_initialized(heng_error **error, const char *operation) {
    return fail(error, HENG_ERROR_NOT_INITIALIZED, operation, "%s comes before initialize or after finalize.",
        operation);
}

void fill_struct(void *place, const void *full, size_t size) {
    const size_t wanted = ((heng_header *)place)->struct_size;
    const size_t bytes = wanted < size ? wanted : size;
    if (bytes > sizeof(heng_header)) {
        memcpy((char *)place + sizeof(heng_header), (const char *)full + sizeof(heng_header),
            bytes - sizeof(heng_header));
    }
}

/* -- Makers -- */

/* A group's table in our size; a missing tail is NULL. */
static const void *group_of(const heng_forwarded_device *found, uint32_t kind, size_t size) {
    const heng_header *given = found->groups[kind - HENG_KIND_OPERATOR_TABLE];
    char *copy = given && given->struct_kind == kind ? calloc(1, size) : NULL;
    if (copy) memcpy(copy, given, given->struct_size < size ? given->struct_size : size);
    return copy;
}

#define GROUP(of, type, kind) ((const type *)group_of((of), (kind), sizeof(type)))

static maker *maker_of(const heng_forwarded_device *found) {
    const heng_accelerator_table *table = found->table;
    for (maker *known = makers; known; known = known->next) {
        if (known->original == table) return known;
    }
    maker *made = calloc(1, sizeof *made);
    if (!made) return NULL;
    const size_t size = table->header.struct_size;
    memcpy(&made->table, table, size < sizeof *table ? size : sizeof *table);
    made->original = table;
    made->operators = GROUP(found, heng_operator_table, HENG_KIND_OPERATOR_TABLE);
    made->kernels = GROUP(found, heng_kernel_table, HENG_KIND_KERNEL_TABLE);
    made->recordings = GROUP(found, heng_recording_table, HENG_KIND_RECORDING_TABLE);
    made->profiles = GROUP(found, heng_profile_table, HENG_KIND_PROFILE_TABLE);
    made->interchange = GROUP(found, heng_interchange_table, HENG_KIND_INTERCHANGE_TABLE);
    made->collectives = GROUP(found, heng_collective_table, HENG_KIND_COLLECTIVE_TABLE);
    made->media = GROUP(found, heng_media_table, HENG_KIND_MEDIA_TABLE);
    made->next = makers;
    makers = made;
    return made;
}

/* -- Devices by number -- */

object *device_object(uint32_t index) { return index < device_total ? devices[index] : NULL; }

object *adopt_device(maker *of, heng_device *device) {
    object *made = make_object(HENG_OBJECT_DEVICE, of, device, NULL);
    if (made) made->index = UINT32_MAX;
    return made;
}

static int32_t add_device(const heng_forwarded_device *found, heng_error **error) {
    maker *of = maker_of(found);
    object *made = of ? make_object(HENG_OBJECT_DEVICE, of, found->device, NULL) : NULL;
    object **longer = made ? realloc(devices, (device_total + 1) * sizeof *devices) : NULL;
    if (!longer) {
        if (made) end_object(made);
        return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, "initialize", "There is no memory for a device.");
    }
    made->index = device_total;
    devices = longer;
    devices[device_total++] = made;
    return HENG_OK;
}

static void drop_devices(void) {
    for (uint32_t i = 0; i < device_total; i++) end_object(devices[i]);
    free(devices);
    devices = NULL;
    device_total = 0;
}

static int32_t find_devices(heng_error **error) {
    for (;;) {
        heng_forwarded_device found = {0};
        const int32_t status = services->device(device_total, &found, error);
        if (status == 0) return HENG_OK;
        const int32_t outcome = status < 0 ? status : add_device(&found, error);
        if (outcome != HENG_OK) {
            drop_devices();
            return outcome;
        }
    }
}

/* -- The functions -- */

static int32_t check_arguments(const heng_initialize_arguments *arguments, heng_error **error) {
    if (!arguments || arguments->header.struct_size < offsetof(heng_initialize_arguments, configuration_path)) {
        return fail(error, arguments ? HENG_ERROR_VERSION : HENG_ERROR_INVALID_ARGUMENT, "initialize",
            "initialize needs its arguments, with struct_size set.");
    }
    if (arguments->abi_major != HENG_ACCELERATOR_MAJOR) {
        return fail(error, HENG_ERROR_VERSION, "initialize",
            "The caller wants interface version %u; this library serves version %u.", arguments->abi_major,
            HENG_ACCELERATOR_MAJOR);
    }
    for (const heng_header *next = arguments->header.next; next; next = next->next) {
        if (next->struct_kind & HENG_KIND_MUST_UNDERSTAND) {
            return fail(error, HENG_ERROR_UNSUPPORTED, "initialize",
                "The mandatory extension %u is not known here.", next->struct_kind & ~HENG_KIND_MUST_UNDERSTAND);
        }
    }
    return HENG_OK;
}

static int32_t initialize(const heng_initialize_arguments *arguments, heng_error **error) {
    int32_t status = check_arguments(arguments, error);
    if (status != HENG_OK) return status;
    pthread_mutex_lock(&process_lock);
    if (phase == READY) {
        status = fail(error, HENG_ERROR_REPEATED_INITIALIZE, "initialize", "The library is initialized already.");
    } else {
        status = find_devices(error);
        if (status == HENG_OK) phase = READY;
    }
    pthread_mutex_unlock(&process_lock);
    return status;
}

static int32_t count_contexts(void) {
    int32_t count = 0;
    for (uint32_t i = 0; i < device_total; i++) count += count_children(devices[i]);
    return count;
}

static int32_t finalize(heng_error **error) {
    int32_t status = HENG_OK;
    pthread_mutex_lock(&process_lock);
    const int32_t contexts = count_contexts();
    if (phase == FRESH) {
        status = not_initialized(error, "finalize");
    } else if (phase == ENDED) {
        status = fail(error, HENG_ERROR_REPEATED_FINALIZE, "finalize", "The library is finalized already.");
    } else if (contexts > 0) {
        status = fail(error, HENG_ERROR_NOT_RELEASED, "finalize", "%d contexts still live.", contexts);
    } else {
        phase = ENDED;
        drop_devices();
    }
    pthread_mutex_unlock(&process_lock);
    return status;
}

static int32_t device_count(uint32_t *count, heng_error **error) {
    if (!is_initialized()) return not_initialized(error, "device_count");
    NEED_PLACE(count, "device_count");
    *count = device_total;
    return HENG_OK;
}

static int32_t device_get(uint32_t index, heng_device **device, heng_error **error) {
    if (!is_initialized()) return not_initialized(error, "device_get");
    NEED_PLACE(device, "device_get");
    if (index >= device_total) {
        return fail(error, HENG_ERROR_INVALID_DEVICE_INDEX, "device_get",
            "There is no device %u; there are %u.", index, device_total);
    }
    *device = (heng_device *)devices[index];
    return HENG_OK;
}

static const heng_header *known_group(uint32_t kind) {
    switch (kind) {
        case HENG_KIND_OPERATOR_TABLE: return &operator_group.header;
        case HENG_KIND_KERNEL_TABLE: return &kernel_group.header;
        case HENG_KIND_MODEL_TABLE: return services->models ? &services->models->header : NULL;
        case HENG_KIND_GRAPH_TABLE: return services->graphs ? &services->graphs->header : NULL;
        case HENG_KIND_RECORDING_TABLE: return &recording_group.header;
        case HENG_KIND_PROFILE_TABLE: return &profile_group.header;
        case HENG_KIND_SELECTION_TABLE: return &selection_group.header;
        case HENG_KIND_CALLBACK_TABLE: return &callback_group.header;
        case HENG_KIND_INTERCHANGE_TABLE: return &interchange_group.header;
        case HENG_KIND_COLLECTIVE_TABLE: return &collective_group.header;
        case HENG_KIND_MEDIA_TABLE: return &media_group.header;
        default: return NULL;
    }
}

static int32_t group(uint32_t kind, const heng_header **table, heng_error **error) {
    NEED_PLACE(table, "group");
    const heng_header *found = known_group(kind);
    if (!found) return fail(error, HENG_ERROR_UNSUPPORTED, "group", "There is no group of kind %u.", kind);
    *table = found;
    return HENG_OK;
}

static int32_t procedure(const char *name, void (**function)(void), heng_error **error) {
    if (!name || !function) {
        return fail(error, HENG_ERROR_INVALID_ARGUMENT, "procedure", "procedure needs a name and a place.");
    }
    return fail(error, HENG_ERROR_UNSUPPORTED, "procedure", "There is no procedure %.100s.", name);
}

void add_process_functions(heng_accelerator_table *table) {
    table->initialize = initialize;
    table->finalize = finalize;
    table->device_count = device_count;
    table->device_get = device_get;
    table->error_describe = describe_error;
    table->error_destroy = destroy_error;
    table->group = group;
    table->procedure = procedure;
}

/* -- The table -- */

static heng_accelerator_table the_table;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_table(void) {
    the_table.header = (heng_header)HEADER(heng_accelerator_table, HENG_KIND_TABLE);
    the_table.abi_major = HENG_ACCELERATOR_MAJOR;
    the_table.abi_minor = HENG_ACCELERATOR_MINOR;
    the_table.name = "heng";
    the_table.vendor = "Heng";
    the_table.version = services->version;
    add_process_functions(&the_table);
    add_device_functions(&the_table);
    add_context_functions(&the_table);
    add_stream_functions(&the_table);
    add_event_functions(&the_table);
    add_buffer_functions(&the_table);
}

const heng_accelerator_table *heng_forwarding_table(const heng_forwarding_services *given) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    if (!services) services = given;
    pthread_mutex_unlock(&lock);
    pthread_once(&once, make_table);
    return &the_table;
}
