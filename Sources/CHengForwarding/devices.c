/* Devices: what they are, how they are, their parts. */
#include <math.h>

#include "forwarding.h"

/* What the layer offers on every device, over what its maker does. */
static uint64_t added_capabilities(const maker *of) {
    uint64_t added = HENG_CAN_ALLOCATE_HOST_MEMORY | HENG_CAN_ALLOCATE_IN_STREAMS | HENG_CAN_COPY_BLOCKS;
    if (!of->table.device_status) added |= HENG_CAN_REPORT_STATUS;
    return added;
}

static int32_t device_describe(heng_device *device, heng_device_description *description, heng_error **error) {
    FIND(found, device, HENG_OBJECT_DEVICE, "device_describe");
    NEED_PLACE(description, "device_describe");
    if (description->header.struct_size < sizeof(heng_header)) {
        return fail(error, HENG_ERROR_VERSION, "device_describe", "The description's struct_size is not set.");
    }
    NEED(found->maker, found->maker->table.device_describe, "device_describe");
    heng_device_description full = {
        .header = HEADER(heng_device_description, HENG_KIND_DEVICE_DESCRIPTION), .numa_node = -1};
    CALL(found->maker, "device_describe",
        found->maker->table.device_describe(found->inner, &full, error ? &inner : NULL));
    full.capabilities |= added_capabilities(found->maker);
    fill_struct(description, &full, sizeof full);
    return HENG_OK;
}

static int32_t device_synchronize(heng_device *device, heng_error **error) {
    FIND(found, device, HENG_OBJECT_DEVICE, "device_synchronize");
    NEED(found->maker, found->maker->table.device_synchronize, "device_synchronize");
    CALL(found->maker, "device_synchronize",
        found->maker->table.device_synchronize(found->inner, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t device_attribute(
    heng_device *device, uint32_t index, const char **key, const char **value, heng_error **error) {
    FIND(found, device, HENG_OBJECT_DEVICE, "device_attribute");
    NEED_PLACE(key, "device_attribute");
    NEED_PLACE(value, "device_attribute");
    if (!found->maker->table.device_attribute) {
        return fail(error, HENG_ERROR_OUT_OF_RANGE, "device_attribute", "The device has no further attributes.");
    }
    CALL(found->maker, "device_attribute",
        found->maker->table.device_attribute(found->inner, index, key, value, error ? &inner : NULL));
    return HENG_OK;
}

/* What the layer knows by itself: the living objects of this process. */
static void count_objects(object *device, heng_device_status *status) {
    pthread_mutex_lock(&layer_lock);
    for (const object *context = device->first_child; context; context = context->next) {
        status->contexts++;
        for (const object *child = context->first_child; child; child = child->next) {
            const uint32_t tag = atomic_load_explicit(&child->tag, memory_order_relaxed);
            status->streams += tag == TAG(HENG_OBJECT_STREAM);
            status->events += tag == TAG(HENG_OBJECT_EVENT);
            status->buffers += tag == TAG(HENG_OBJECT_BUFFER);
        }
    }
    pthread_mutex_unlock(&layer_lock);
}

static int32_t device_status(heng_device *device, heng_device_status *status, heng_error **error) {
    FIND(found, device, HENG_OBJECT_DEVICE, "device_status");
    NEED_PLACE(status, "device_status");
    if (status->header.struct_size < sizeof(heng_header)) {
        return fail(error, HENG_ERROR_VERSION, "device_status", "The status's struct_size is not set.");
    }
    if (found->maker->table.device_status) {
        CALL(found->maker, "device_status",
            found->maker->table.device_status(found->inner, status, error ? &inner : NULL));
        return HENG_OK;
    }
    heng_device_status full = {.temperature_celsius = NAN, .power_watts = NAN, .energy_joules = NAN,
        .utilization = NAN, .memory_free = -1, .memory_total = -1, .corrected_errors = -1,
        .uncorrected_errors = -1};
    count_objects(found, &full);
    fill_struct(status, &full, sizeof full);
    return HENG_OK;
}

static int32_t device_reset(heng_device *device, heng_error **error) {
    FIND(found, device, HENG_OBJECT_DEVICE, "device_reset");
    NEED(found->maker, found->maker->table.device_reset, "device_reset");
    CALL(found->maker, "device_reset", found->maker->table.device_reset(found->inner, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t device_clock(
    heng_device *device, int64_t *device_nanoseconds, int64_t *host_nanoseconds, heng_error **error) {
    FIND(found, device, HENG_OBJECT_DEVICE, "device_clock");
    NEED_PLACE(device_nanoseconds, "device_clock");
    NEED_PLACE(host_nanoseconds, "device_clock");
    NEED(found->maker, found->maker->table.device_clock, "device_clock");
    CALL(found->maker, "device_clock",
        found->maker->table.device_clock(
            found->inner, device_nanoseconds, host_nanoseconds, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t device_partition(
    heng_device *device, const heng_partition_arguments *arguments, heng_device **part, heng_error **error) {
    FIND(found, device, HENG_OBJECT_DEVICE, "device_partition");
    NEED_PLACE(part, "device_partition");
    NEED(found->maker, found->maker->table.device_partition && found->maker->table.device_release,
        "device_partition");
    heng_device *made = NULL;
    CALL(found->maker, "device_partition",
        found->maker->table.device_partition(found->inner, arguments, &made, error ? &inner : NULL));
    object *object = adopt_device(found->maker, made);
    if (!object) {
        found->maker->table.device_release(made, NULL);
        return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, "device_partition", "There is no memory for a handle.");
    }
    object->of.device.is_part = true;
    *part = (heng_device *)object;
    return HENG_OK;
}

static int32_t device_release(heng_device *part, heng_error **error) {
    FIND(found, part, HENG_OBJECT_DEVICE, "device_release");
    if (!found->of.device.is_part) {
        return fail(error, HENG_ERROR_MISUSE, "device_release", "The device is no part that device_partition made.");
    }
    const int32_t contexts = count_children(found);
    if (contexts > 0) {
        return fail(error, HENG_ERROR_NOT_RELEASED, "device_release", "%d contexts on the part still live.", contexts);
    }
    CALL(found->maker, "device_release", found->maker->table.device_release(found->inner, error ? &inner : NULL));
    end_object(found);
    return HENG_OK;
}

void add_device_functions(heng_accelerator_table *table) {
    table->device_describe = device_describe;
    table->device_synchronize = device_synchronize;
    table->device_attribute = device_attribute;
    table->device_status = device_status;
    table->device_reset = device_reset;
    table->device_clock = device_clock;
    table->device_partition = device_partition;
    table->device_release = device_release;
}
