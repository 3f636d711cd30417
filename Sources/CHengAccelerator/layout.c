/*
 * The layout of version 1, held at compile time: what has once been released may not move. All supported
 * platforms have 8-byte pointers, so one set of numbers serves x86-64 and aarch64. A line is added for each new
 * field, and none is ever changed.
 */
#include "heng_accelerator.h"

#define AT(type, field, offset) _Static_assert(offsetof(type, field) == (offset), #type "." #field " has moved")
#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type " has changed its size")

_Static_assert(sizeof(void *) == 8, "pointers are 8 bytes");

SIZE(heng_header, 16);
AT(heng_header, struct_size, 0);
AT(heng_header, struct_kind, 4);
AT(heng_header, next, 8);

SIZE(heng_initialize_arguments, 32);
AT(heng_initialize_arguments, header, 0);
AT(heng_initialize_arguments, abi_major, 16);
AT(heng_initialize_arguments, abi_minor, 20);
AT(heng_initialize_arguments, configuration_path, 24);

SIZE(heng_host_services, 40);
AT(heng_host_services, header, 0);
AT(heng_host_services, user, 16);
AT(heng_host_services, log, 24);
AT(heng_host_services, parallel_for, 32);

SIZE(heng_uuid, 16);
AT(heng_uuid, bytes, 0);

SIZE(heng_device_description, 128);
AT(heng_device_description, header, 0);
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
AT(heng_device_description, simulated, 73);
AT(heng_device_description, reserved, 74);
AT(heng_device_description, capabilities, 80);
AT(heng_device_description, uuid, 88);
AT(heng_device_description, pci_address, 104);
AT(heng_device_description, stream_limit, 112);
AT(heng_device_description, event_limit, 116);
AT(heng_device_description, context_limit, 120);
AT(heng_device_description, determinism, 124);

SIZE(heng_device_status, 120);
AT(heng_device_status, header, 0);
AT(heng_device_status, health, 16);
AT(heng_device_status, last_error, 20);
AT(heng_device_status, temperature_celsius, 24);
AT(heng_device_status, power_watts, 32);
AT(heng_device_status, energy_joules, 40);
AT(heng_device_status, utilization, 48);
AT(heng_device_status, memory_free, 56);
AT(heng_device_status, memory_total, 64);
AT(heng_device_status, corrected_errors, 72);
AT(heng_device_status, uncorrected_errors, 80);
AT(heng_device_status, contexts, 88);
AT(heng_device_status, streams, 96);
AT(heng_device_status, events, 104);
AT(heng_device_status, buffers, 112);

SIZE(heng_partition_arguments, 32);
AT(heng_partition_arguments, header, 0);
AT(heng_partition_arguments, compute_units, 16);
AT(heng_partition_arguments, reserved, 20);
AT(heng_partition_arguments, memory_bytes, 24);

SIZE(heng_stream_arguments, 48);
AT(heng_stream_arguments, header, 0);
AT(heng_stream_arguments, cpus, 16);
AT(heng_stream_arguments, cpu_count, 24);
AT(heng_stream_arguments, priority, 32);
AT(heng_stream_arguments, work_milliseconds, 36);
AT(heng_stream_arguments, continues, 40);
AT(heng_stream_arguments, reserved, 41);

SIZE(heng_buffer_arguments, 32);
AT(heng_buffer_arguments, header, 0);
AT(heng_buffer_arguments, size, 16);
AT(heng_buffer_arguments, numa_node, 24);
AT(heng_buffer_arguments, pages, 28);

SIZE(heng_memory_info, 56);
AT(heng_memory_info, header, 0);
AT(heng_memory_info, in_use, 16);
AT(heng_memory_info, high_water, 24);
AT(heng_memory_info, reserved, 32);
AT(heng_memory_info, limit, 40);
AT(heng_memory_info, reuses, 48);

SIZE(heng_range, 32);
AT(heng_range, buffer, 0);
AT(heng_range, host, 8);
AT(heng_range, offset, 16);
AT(heng_range, size, 24);

SIZE(heng_block, 48);
AT(heng_block, range, 0);
AT(heng_block, row_pitch, 32);
AT(heng_block, plane_pitch, 40);

SIZE(heng_error_description, 96);
AT(heng_error_description, header, 0);
AT(heng_error_description, code, 16);
AT(heng_error_description, scope, 20);
AT(heng_error_description, native_code, 24);
AT(heng_error_description, requested, 32);
AT(heng_error_description, available, 40);
AT(heng_error_description, operation, 48);
AT(heng_error_description, text, 56);
AT(heng_error_description, retriable, 64);
AT(heng_error_description, reserved, 65);
AT(heng_error_description, correlation, 72);
AT(heng_error_description, node, 80);
AT(heng_error_description, operator_name, 88);

SIZE(heng_accelerator_table, 448);
AT(heng_accelerator_table, header, 0);
AT(heng_accelerator_table, abi_major, 16);
AT(heng_accelerator_table, abi_minor, 20);
AT(heng_accelerator_table, name, 24);
AT(heng_accelerator_table, vendor, 32);
AT(heng_accelerator_table, version, 40);
AT(heng_accelerator_table, initialize, 48);
AT(heng_accelerator_table, finalize, 56);
AT(heng_accelerator_table, device_count, 64);
AT(heng_accelerator_table, device_get, 72);
AT(heng_accelerator_table, device_describe, 80);
AT(heng_accelerator_table, device_synchronize, 88);
AT(heng_accelerator_table, context_create, 96);
AT(heng_accelerator_table, context_destroy, 104);
AT(heng_accelerator_table, context_memory_info, 112);
AT(heng_accelerator_table, context_limit_memory, 120);
AT(heng_accelerator_table, context_trim_memory, 128);
AT(heng_accelerator_table, stream_create, 136);
AT(heng_accelerator_table, stream_destroy, 144);
AT(heng_accelerator_table, stream_synchronize, 152);
AT(heng_accelerator_table, stream_wait_event, 160);
AT(heng_accelerator_table, stream_launch, 168);
AT(heng_accelerator_table, stream_launch_fallible, 176);
AT(heng_accelerator_table, stream_copy, 184);
AT(heng_accelerator_table, stream_fill, 192);
AT(heng_accelerator_table, event_create, 200);
AT(heng_accelerator_table, event_destroy, 208);
AT(heng_accelerator_table, event_record, 216);
AT(heng_accelerator_table, event_query, 224);
AT(heng_accelerator_table, event_synchronize, 232);
AT(heng_accelerator_table, event_elapsed, 240);
AT(heng_accelerator_table, buffer_allocate, 248);
AT(heng_accelerator_table, buffer_free, 256);
AT(heng_accelerator_table, buffer_host_address, 264);
AT(heng_accelerator_table, error_describe, 272);
AT(heng_accelerator_table, error_destroy, 280);
AT(heng_accelerator_table, group, 288);
AT(heng_accelerator_table, procedure, 296);
AT(heng_accelerator_table, device_attribute, 304);
AT(heng_accelerator_table, device_status, 312);
AT(heng_accelerator_table, device_reset, 320);
AT(heng_accelerator_table, device_clock, 328);
AT(heng_accelerator_table, device_partition, 336);
AT(heng_accelerator_table, device_release, 344);
AT(heng_accelerator_table, context_keep_memory, 352);
AT(heng_accelerator_table, context_state, 360);
AT(heng_accelerator_table, context_rebuild, 368);
AT(heng_accelerator_table, stream_query, 376);
AT(heng_accelerator_table, stream_abort, 384);
AT(heng_accelerator_table, stream_copy_block, 392);
AT(heng_accelerator_table, stream_allocate, 400);
AT(heng_accelerator_table, stream_free, 408);
AT(heng_accelerator_table, event_reset, 416);
AT(heng_accelerator_table, event_query_waits, 424);
AT(heng_accelerator_table, host_allocate, 432);
AT(heng_accelerator_table, host_free, 440);

SIZE(heng_quantization, 48);
AT(heng_quantization, header, 0);
AT(heng_quantization, scales, 16);
AT(heng_quantization, zero_points, 24);
AT(heng_quantization, count, 32);
AT(heng_quantization, axis, 40);
AT(heng_quantization, block_size, 44);

SIZE(heng_tensor_description, 88);
AT(heng_tensor_description, header, 0);
AT(heng_tensor_description, type, 16);
AT(heng_tensor_description, format, 20);
AT(heng_tensor_description, placement, 24);
AT(heng_tensor_description, rank, 28);
AT(heng_tensor_description, dims, 32);
AT(heng_tensor_description, strides, 40);
AT(heng_tensor_description, dim_ranges, 48);
AT(heng_tensor_description, name, 56);
AT(heng_tensor_description, constant, 64);
AT(heng_tensor_description, constant_size, 72);
AT(heng_tensor_description, quantization, 80);

SIZE(heng_attribute, 48);
AT(heng_attribute, header, 0);
AT(heng_attribute, name, 16);
AT(heng_attribute, kind, 24);
AT(heng_attribute, reserved, 28);
AT(heng_attribute, data, 32);
AT(heng_attribute, count, 40);

SIZE(heng_operator_description, 88);
AT(heng_operator_description, header, 0);
AT(heng_operator_description, domain, 16);
AT(heng_operator_description, name, 24);
AT(heng_operator_description, version, 32);
AT(heng_operator_description, determinism, 36);
AT(heng_operator_description, accumulation, 40);
AT(heng_operator_description, input_count, 44);
AT(heng_operator_description, output_count, 48);
AT(heng_operator_description, attribute_count, 52);
AT(heng_operator_description, inputs, 56);
AT(heng_operator_description, outputs, 64);
AT(heng_operator_description, attributes, 72);
AT(heng_operator_description, node, 80);

SIZE(heng_refusal, 224);
AT(heng_refusal, header, 0);
AT(heng_refusal, reason, 16);
AT(heng_refusal, argument, 20);
AT(heng_refusal, text, 24);

SIZE(heng_operator_info, 48);
AT(heng_operator_info, header, 0);
AT(heng_operator_info, workspace_bytes, 16);
AT(heng_operator_info, kept_inputs, 24);
AT(heng_operator_info, algorithm, 32);
AT(heng_operator_info, determinism, 40);
AT(heng_operator_info, in_place_input, 44);

SIZE(heng_operator_listing, 56);
AT(heng_operator_listing, header, 0);
AT(heng_operator_listing, domain, 16);
AT(heng_operator_listing, name, 24);
AT(heng_operator_listing, since, 32);
AT(heng_operator_listing, until, 36);
AT(heng_operator_listing, types, 40);
AT(heng_operator_listing, trainable, 48);
AT(heng_operator_listing, pattern, 49);
AT(heng_operator_listing, reserved, 50);

SIZE(heng_inferred_tensor, 40);
AT(heng_inferred_tensor, header, 0);
AT(heng_inferred_tensor, dims, 16);
AT(heng_inferred_tensor, capacity, 24);
AT(heng_inferred_tensor, rank, 28);
AT(heng_inferred_tensor, type, 32);
AT(heng_inferred_tensor, reserved, 36);

SIZE(heng_operator_table, 72);
AT(heng_operator_table, header, 0);
AT(heng_operator_table, operator_list, 16);
AT(heng_operator_table, operator_supports, 24);
AT(heng_operator_table, operator_infer, 32);
AT(heng_operator_table, operator_prepare, 40);
AT(heng_operator_table, operator_execute, 48);
AT(heng_operator_table, operator_destroy, 56);
AT(heng_operator_table, operator_run, 64);

SIZE(heng_module_arguments, 48);
AT(heng_module_arguments, header, 0);
AT(heng_module_arguments, code, 16);
AT(heng_module_arguments, reserved, 20);
AT(heng_module_arguments, bytes, 24);
AT(heng_module_arguments, size, 32);
AT(heng_module_arguments, options, 40);

SIZE(heng_kernel_info, 40);
AT(heng_kernel_info, header, 0);
AT(heng_kernel_info, group_limit, 16);
AT(heng_kernel_info, group_multiple, 20);
AT(heng_kernel_info, local_bytes, 24);
AT(heng_kernel_info, private_bytes, 32);

SIZE(heng_kernel_argument, 48);
AT(heng_kernel_argument, range, 0);
AT(heng_kernel_argument, bytes, 32);
AT(heng_kernel_argument, size, 40);

SIZE(heng_grid, 48);
AT(heng_grid, header, 0);
AT(heng_grid, groups, 16);
AT(heng_grid, items, 28);
AT(heng_grid, local_bytes, 40);

SIZE(heng_kernel_table, 72);
AT(heng_kernel_table, header, 0);
AT(heng_kernel_table, code_supported, 16);
AT(heng_kernel_table, module_load, 24);
AT(heng_kernel_table, module_unload, 32);
AT(heng_kernel_table, module_binary, 40);
AT(heng_kernel_table, kernel_get, 48);
AT(heng_kernel_table, kernel_describe, 56);
AT(heng_kernel_table, kernel_launch, 64);

SIZE(heng_model_arguments, 128);
AT(heng_model_arguments, header, 0);
AT(heng_model_arguments, path, 16);
AT(heng_model_arguments, bytes, 24);
AT(heng_model_arguments, size, 32);
AT(heng_model_arguments, weights, 40);
AT(heng_model_arguments, working, 72);
AT(heng_model_arguments, inputs, 104);
AT(heng_model_arguments, input_count, 112);
AT(heng_model_arguments, priority, 116);
AT(heng_model_arguments, determinism, 120);
AT(heng_model_arguments, accumulation, 124);

SIZE(heng_model_info, 48);
AT(heng_model_info, header, 0);
AT(heng_model_info, weight_bytes, 16);
AT(heng_model_info, working_bytes, 24);
AT(heng_model_info, input_count, 32);
AT(heng_model_info, output_count, 36);
AT(heng_model_info, node_count, 40);
AT(heng_model_info, dynamic, 44);
AT(heng_model_info, reserved, 45);

SIZE(heng_node_info, 64);
AT(heng_node_info, header, 0);
AT(heng_node_info, name, 16);
AT(heng_node_info, operator_name, 24);
AT(heng_node_info, algorithm, 32);
AT(heng_node_info, input_count, 40);
AT(heng_node_info, output_count, 44);
AT(heng_node_info, inputs, 48);
AT(heng_node_info, outputs, 56);

SIZE(heng_model_table, 112);
AT(heng_model_table, header, 0);
AT(heng_model_table, model_query, 16);
AT(heng_model_table, model_load, 24);
AT(heng_model_table, model_unload, 32);
AT(heng_model_table, model_describe, 40);
AT(heng_model_table, model_input, 48);
AT(heng_model_table, model_output, 56);
AT(heng_model_table, model_run, 64);
AT(heng_model_table, model_submit, 72);
AT(heng_model_table, model_node, 80);
AT(heng_model_table, model_save, 88);
AT(heng_model_table, model_compatibility, 96);
AT(heng_model_table, model_signature, 104);

SIZE(heng_graph_table, 128);
AT(heng_graph_table, header, 0);
AT(heng_graph_table, graph_create, 16);
AT(heng_graph_table, graph_read, 24);
AT(heng_graph_table, graph_write, 32);
AT(heng_graph_table, graph_destroy, 40);
AT(heng_graph_table, graph_add_value, 48);
AT(heng_graph_table, graph_add_node, 56);
AT(heng_graph_table, graph_set_outputs, 64);
AT(heng_graph_table, graph_count, 72);
AT(heng_graph_table, graph_find, 80);
AT(heng_graph_table, graph_node, 88);
AT(heng_graph_table, graph_change_node, 96);
AT(heng_graph_table, graph_remove_node, 104);
AT(heng_graph_table, graph_compile, 112);
AT(heng_graph_table, graph_needs_compile, 120);

SIZE(heng_recording_table, 56);
AT(heng_recording_table, header, 0);
AT(heng_recording_table, recording_begin, 16);
AT(heng_recording_table, recording_end, 24);
AT(heng_recording_table, recording_count, 32);
AT(heng_recording_table, recording_submit, 40);
AT(heng_recording_table, recording_destroy, 48);

SIZE(heng_profile_record, 96);
AT(heng_profile_record, correlation, 0);
AT(heng_profile_record, stream, 8);
AT(heng_profile_record, begin, 16);
AT(heng_profile_record, end, 24);
AT(heng_profile_record, bytes, 32);
AT(heng_profile_record, kind, 40);
AT(heng_profile_record, reserved, 44);
AT(heng_profile_record, name, 48);

SIZE(heng_profile_arguments, 24);
AT(heng_profile_arguments, header, 0);
AT(heng_profile_arguments, capacity, 16);

SIZE(heng_profile_table, 64);
AT(heng_profile_table, header, 0);
AT(heng_profile_table, profile_start, 16);
AT(heng_profile_table, profile_stop, 24);
AT(heng_profile_table, profile_read, 32);
AT(heng_profile_table, range_begin, 40);
AT(heng_profile_table, range_end, 48);
AT(heng_profile_table, mark, 56);

SIZE(heng_selection_table, 88);
AT(heng_selection_table, header, 0);
AT(heng_selection_table, device_select, 16);
AT(heng_selection_table, device_deselect, 24);
AT(heng_selection_table, device_selected, 32);
AT(heng_selection_table, run_mode, 40);
AT(heng_selection_table, context_set_current, 48);
AT(heng_selection_table, context_get_current, 56);
AT(heng_selection_table, stream_default, 64);
AT(heng_selection_table, copy, 72);
AT(heng_selection_table, fill, 80);

SIZE(heng_callback_table, 48);
AT(heng_callback_table, header, 0);
AT(heng_callback_table, callback_subscribe, 16);
AT(heng_callback_table, callback_unsubscribe, 24);
AT(heng_callback_table, callback_launch, 32);
AT(heng_callback_table, callback_process, 40);

SIZE(heng_interchange_table, 32);
AT(heng_interchange_table, header, 0);
AT(heng_interchange_table, tensor_export, 16);
AT(heng_interchange_table, tensor_import, 24);

SIZE(heng_communicator_arguments, 40);
AT(heng_communicator_arguments, header, 0);
AT(heng_communicator_arguments, rank, 16);
AT(heng_communicator_arguments, count, 20);
AT(heng_communicator_arguments, identity, 24);
AT(heng_communicator_arguments, identity_size, 32);

SIZE(heng_collective_table, 88);
AT(heng_collective_table, header, 0);
AT(heng_collective_table, communicator_identity, 16);
AT(heng_collective_table, communicator_create, 24);
AT(heng_collective_table, communicator_destroy, 32);
AT(heng_collective_table, all_reduce, 40);
AT(heng_collective_table, broadcast, 48);
AT(heng_collective_table, all_gather, 56);
AT(heng_collective_table, reduce_scatter, 64);
AT(heng_collective_table, send, 72);
AT(heng_collective_table, receive, 80);

SIZE(heng_image_description, 32);
AT(heng_image_description, header, 0);
AT(heng_image_description, width, 16);
AT(heng_image_description, height, 20);
AT(heng_image_description, row_pitch, 24);
AT(heng_image_description, pixels, 28);

SIZE(heng_media_table, 48);
AT(heng_media_table, header, 0);
AT(heng_media_table, image_describe, 16);
AT(heng_media_table, image_decode, 24);
AT(heng_media_table, image_transform, 32);
AT(heng_media_table, image_normalize, 40);
