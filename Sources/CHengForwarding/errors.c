/* Error objects of the layer: one kind for its own errors and for those of makers. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "forwarding.h"

/* The description with its strings behind it, in one piece of memory. */
struct heng_error {
    heng_error_description facts;
    char strings[];
};

static char *keep(char *at, const char *text, const char **place) {
    if (!text) {
        *place = NULL;
        return at;
    }
    const size_t size = strlen(text) + 1;
    memcpy(at, text, size);
    *place = at;
    return at + size;
}

static size_t room(const char *text) { return text ? strlen(text) + 1 : 0; }

int32_t heng_forwarding_fail(heng_error **error, const heng_error_description *facts) {
    if (!error) return facts->code;
    heng_error *made = malloc(sizeof *made + room(facts->operation) + room(facts->text) + room(facts->node)
        + room(facts->operator_name));
    *error = made;
    if (!made) return facts->code;
    made->facts = *facts;
    char *at = made->strings;
    at = keep(at, facts->operation, &made->facts.operation);
    at = keep(at, facts->text, &made->facts.text);
    at = keep(at, facts->node, &made->facts.node);
    keep(at, facts->operator_name, &made->facts.operator_name);
    return facts->code;
}

int32_t fail(heng_error **error, int32_t code, const char *operation, const char *format, ...) {
    if (!error) return code;
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    heng_error_description facts = {.code = code, .scope = HENG_SCOPE_CALL, .operation = operation, .text = text};
    facts.retriable = code == HENG_ERROR_TIMEOUT || code == HENG_ERROR_OUT_OF_HOST_MEMORY;
    return heng_forwarding_fail(error, &facts);
}

int32_t bad_handle(heng_error **error, const void *handle, int32_t kind, const char *operation) {
    if (!is_initialized() && kind != HENG_OBJECT_GRAPH) return not_initialized(error, operation);
    if (kind == HENG_OBJECT_DEVICE) {
        return fail(error, HENG_ERROR_INVALID_DEVICE, operation, "%s got %s for a device.", operation,
            handle ? "something else" : "NULL");
    }
    if (!handle) {
        return fail(error, HENG_ERROR_INVALID_ARGUMENT, operation, "%s got NULL for a %s.", operation,
            kind_name(kind));
    }
    return fail(error, HENG_ERROR_INVALID_HANDLE, operation,
        "%s got a handle for a %s that was never made, is destroyed or is of another kind.", operation,
        kind_name(kind));
}

int32_t missing(heng_error **error, const maker *maker, const char *operation) {
    return fail(error, HENG_ERROR_UNSUPPORTED, operation, "The devices of %s do not offer %s.",
        maker->table.name ? maker->table.name : "this maker", operation);
}

int32_t hand_on(
    heng_error **error, const maker *maker, int32_t status, heng_error *inner, const char *operation) {
    if (!error || !inner) {
        drop_error(maker, inner);
        return fail(error, status, operation, "%s of %s failed with code %d.", operation,
            maker->table.name ? maker->table.name : "the maker", status);
    }
    heng_error_description facts = {.header = HEADER(heng_error_description, HENG_KIND_ERROR_DESCRIPTION)};
    if (!maker->table.error_describe || maker->table.error_describe(inner, &facts) != HENG_OK) {
        facts = (heng_error_description){.code = status, .operation = operation,
            .text = "The maker's error has no description."};
    }
    /* What the call returned counts, whatever the object says. */
    facts.code = status;
    heng_forwarding_fail(error, &facts);
    drop_error(maker, inner);
    return status;
}

void drop_error(const maker *maker, heng_error *inner) {
    if (inner && maker->table.error_destroy) maker->table.error_destroy(inner);
}

int32_t describe_error(const heng_error *error, heng_error_description *description) {
    if (!error || !description) return HENG_ERROR_INVALID_ARGUMENT;
    if (description->header.struct_size < sizeof(heng_header)) return HENG_ERROR_VERSION;
    fill_struct(description, &error->facts, sizeof error->facts);
    return HENG_OK;
}

void destroy_error(heng_error *error) { free(error); }
