/*
 * The forwarding layer of libheng.so: one table over the devices of all makers.
 *
 * Every handle that it gives out is a small object of its own with a tag, its maker's table and the maker's handle.
 * The parts that need graphs and kernels are written in Swift and given to it as services; they look handles up and
 * make objects with the functions below.
 */
#ifndef HENG_FORWARDING_H
#define HENG_FORWARDING_H

#include <heng_accelerator.h>

/* What kind of thing an object stands for. */
enum {
    HENG_OBJECT_DEVICE = 1,
    HENG_OBJECT_CONTEXT,
    HENG_OBJECT_STREAM,
    HENG_OBJECT_EVENT,
    HENG_OBJECT_BUFFER,
    HENG_OBJECT_OPERATOR,
    HENG_OBJECT_MODULE,
    HENG_OBJECT_KERNEL,
    HENG_OBJECT_MODEL,
    HENG_OBJECT_GRAPH,
    HENG_OBJECT_RECORDING,
    HENG_OBJECT_COMMUNICATOR
};

/* A maker's device, and the table that it is called through. */
typedef struct heng_forwarded_device {
    const heng_accelerator_table *table;
    heng_device *device;
    /* The maker's groups, by their kind less HENG_KIND_OPERATOR_TABLE; NULL where it has none. */
    const heng_header *groups[11];
} heng_forwarded_device;

/* What the rest of the library does for the forwarding layer. */
typedef struct heng_forwarding_services {
    const char *version;
    /* Gives device number `index`, after waking the makers up for index 0; 1 where there is one, 0 behind the last. */
    int32_t (*device)(uint32_t index, heng_forwarded_device *device, heng_error **error);
    /* Operators of devices whose makers have no operator group, and models and graphs of all devices. */
    const heng_operator_table *operators;
    const heng_model_table *models;
    const heng_graph_table *graphs;
} heng_forwarding_services;

/* The one table, made at the first call. The services live for ever. */
const heng_accelerator_table *heng_forwarding_table(const heng_forwarding_services *services);

/* A looked-up object, in its maker's terms. */
typedef struct heng_forwarded {
    const heng_accelerator_table *table;
    void *inner;         /* the maker's handle, or what heng_forwarding_make was given */
    void *owner;         /* the handle of the context of a stream and such, of the device of a context; else NULL */
    void *device;        /* the handle of the device; NULL for graphs */
    heng_device *maker_device;
    heng_context *maker_context; /* the maker's context, for what lives in one */
    uint64_t size;       /* of a buffer */
    void *host;          /* where the host reaches a buffer; NULL: not known */
    uint8_t is_foreign;  /* 1: a buffer over memory that is not the maker's; it has no inner handle */
} heng_forwarded;

/* HENG_OK and the object behind a handle of that kind, or the error for `operation`. */
int32_t heng_forwarding_find(
    const void *handle, int32_t kind, heng_forwarded *found, const char *operation, heng_error **error);

/* A new handle for something of ours in a context (or in nothing, for graphs); NULL without memory. */
void *heng_forwarding_make(int32_t kind, void *context, void *inner);

/* Ends a handle that heng_forwarding_make made; what it was given is the caller's again. */
void heng_forwarding_unmake(void *handle);

/* Checks a range against a device and puts it in the maker's terms; `address` gets the host's, or NULL. */
int32_t heng_forwarding_range(
    const void *device, const heng_range *range, heng_range *inner, void **address, const char *operation,
    heng_error **error);

/* Stores an error with those facts, all of them copied, and returns its code. */
int32_t heng_forwarding_fail(heng_error **error, const heng_error_description *facts);

#endif
