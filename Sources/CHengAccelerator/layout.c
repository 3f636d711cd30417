/*
 * The layout of version 1, held at compile time: what has once been released may not move. All supported
 * platforms have 8-byte pointers, so one set of numbers serves x86-64 and aarch64.
 */
#include "heng_accelerator.h"

#define AT(type, field, offset) _Static_assert(offsetof(type, field) == (offset), #type "." #field " has moved")
#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type " has changed its size")
#define FUNCTION(field, place) AT(heng_accelerator_table, field, 32 + 8 * (place))

_Static_assert(sizeof(void *) == 8, "pointers are 8 bytes");

SIZE(heng_header, 16);
AT(heng_header, struct_kind, 4);
AT(heng_header, next, 8);

SIZE(heng_initialize_arguments, 32);
AT(heng_initialize_arguments, abi_major, 16);
AT(heng_initialize_arguments, abi_minor, 20);
AT(heng_initialize_arguments, configuration_path, 24);

SIZE(heng_device_description, 80);
AT(heng_device_description, kind, 16);
AT(heng_device_description, name, 24);
AT(heng_device_description, vendor, 32);
AT(heng_device_description, memory_bytes, 40);
AT(heng_device_description, numa_node, 48);
AT(heng_device_description, compute_units, 52);
AT(heng_device_description, buffer_alignment, 56);
AT(heng_device_description, copy_alignment, 60);
AT(heng_device_description, cpus, 64);
AT(heng_device_description, host_addressable, 72);

SIZE(heng_stream_arguments, 32);
AT(heng_stream_arguments, cpus, 16);
AT(heng_stream_arguments, cpu_count, 24);

SIZE(heng_buffer_arguments, 32);
AT(heng_buffer_arguments, size, 16);
AT(heng_buffer_arguments, numa_node, 24);
AT(heng_buffer_arguments, pages, 28);

SIZE(heng_memory_info, 56);
AT(heng_memory_info, in_use, 16);
AT(heng_memory_info, high_water, 24);
AT(heng_memory_info, reserved, 32);
AT(heng_memory_info, limit, 40);
AT(heng_memory_info, reuses, 48);

SIZE(heng_range, 32);
AT(heng_range, host, 8);
AT(heng_range, offset, 16);
AT(heng_range, size, 24);

SIZE(heng_error_description, 72);
AT(heng_error_description, code, 16);
AT(heng_error_description, scope, 20);
AT(heng_error_description, native_code, 24);
AT(heng_error_description, requested, 32);
AT(heng_error_description, available, 40);
AT(heng_error_description, operation, 48);
AT(heng_error_description, text, 56);
AT(heng_error_description, retriable, 64);

AT(heng_accelerator_table, abi_major, 16);
AT(heng_accelerator_table, abi_minor, 20);
AT(heng_accelerator_table, name, 24);
FUNCTION(initialize, 0);
FUNCTION(finalize, 1);
FUNCTION(device_count, 2);
FUNCTION(device_get, 3);
FUNCTION(device_describe, 4);
FUNCTION(device_synchronize, 5);
FUNCTION(context_create, 6);
FUNCTION(context_destroy, 7);
FUNCTION(context_memory_info, 8);
FUNCTION(context_limit_memory, 9);
FUNCTION(context_trim_memory, 10);
FUNCTION(stream_create, 11);
FUNCTION(stream_destroy, 12);
FUNCTION(stream_synchronize, 13);
FUNCTION(stream_wait_event, 14);
FUNCTION(stream_launch, 15);
FUNCTION(stream_launch_fallible, 16);
FUNCTION(stream_copy, 17);
FUNCTION(stream_fill, 18);
FUNCTION(event_create, 19);
FUNCTION(event_destroy, 20);
FUNCTION(event_record, 21);
FUNCTION(event_query, 22);
FUNCTION(event_synchronize, 23);
FUNCTION(event_elapsed, 24);
FUNCTION(buffer_allocate, 25);
FUNCTION(buffer_free, 26);
FUNCTION(buffer_host_address, 27);
FUNCTION(error_describe, 28);
FUNCTION(error_destroy, 29);
SIZE(heng_accelerator_table, 272);
