#include "opencl_api.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

static opencl_functions functions;
static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;
static int asked, there;

/* ISO C has no conversion from an object pointer to a function pointer; POSIX promises that the bytes do. */
#define LOAD(name)                                            \
    do {                                                      \
        void *symbol = dlsym(library, #name);                 \
        if (!symbol) return 0;                                \
        memcpy(&functions.name, &symbol, sizeof symbol);      \
    } while (0)

static int load(void *library) {
    LOAD(clGetPlatformIDs); LOAD(clGetPlatformInfo); LOAD(clGetDeviceIDs); LOAD(clGetDeviceInfo);
    LOAD(clCreateSubDevices); LOAD(clReleaseDevice); LOAD(clCreateContext); LOAD(clReleaseContext);
    LOAD(clCreateCommandQueue); LOAD(clReleaseCommandQueue); LOAD(clCreateBuffer); LOAD(clReleaseMemObject);
    LOAD(clCreateProgramWithSource); LOAD(clCreateProgramWithBinary); LOAD(clBuildProgram);
    LOAD(clGetProgramInfo); LOAD(clGetProgramBuildInfo); LOAD(clReleaseProgram); LOAD(clCreateKernel);
    LOAD(clSetKernelArg); LOAD(clGetKernelInfo); LOAD(clGetKernelWorkGroupInfo); LOAD(clReleaseKernel);
    LOAD(clEnqueueNDRangeKernel); LOAD(clEnqueueReadBuffer); LOAD(clEnqueueWriteBuffer);
    LOAD(clEnqueueCopyBuffer); LOAD(clEnqueueReadBufferRect); LOAD(clEnqueueWriteBufferRect);
    LOAD(clEnqueueCopyBufferRect); LOAD(clEnqueueFillBuffer); LOAD(clEnqueueMapBuffer);
    LOAD(clEnqueueUnmapMemObject); LOAD(clEnqueueMarkerWithWaitList); LOAD(clEnqueueBarrierWithWaitList);
    LOAD(clFlush); LOAD(clFinish); LOAD(clWaitForEvents); LOAD(clGetEventInfo); LOAD(clGetEventProfilingInfo);
    LOAD(clRetainEvent); LOAD(clReleaseEvent);
    return 1;
}

int32_t opencl_open(const char *path) {
    pthread_mutex_lock(&opening);
    if (!asked) {
        asked = 1;
        /* LOCAL: drivers bring compilers along whose symbols must not meet those of others in the process. */
        void *library = dlopen(path ? path : "libOpenCL.so.1", RTLD_NOW | RTLD_LOCAL);
        there = library && load(library);
    }
    int32_t result = there;
    pthread_mutex_unlock(&opening);
    return result;
}

const opencl_functions *opencl_get(void) { return there ? &functions : NULL; }

static opencl_made made(opencl_handle handle, int32_t status) {
    return (opencl_made){status == 0 ? handle : 0, status};
}

uint32_t opencl_platforms(opencl_handle *places, uint32_t capacity) {
    uint32_t count = 0;
    if (functions.clGetPlatformIDs(capacity, places, &count) != 0) return 0;
    return count < capacity ? count : capacity;
}

uint32_t opencl_devices(opencl_handle platform, opencl_handle *places, uint32_t capacity) {
    uint32_t count = 0;
    if (functions.clGetDeviceIDs(platform, 0xFFFFFFFF, capacity, places, &count) != 0) return 0;
    return count < capacity ? count : capacity;
}

opencl_made opencl_sub_device(opencl_handle device, uint32_t units) {
    const intptr_t properties[] = {OPENCL_DEVICE_PARTITION_BY_COUNTS, units, 0, 0};
    opencl_handle part = 0;
    int32_t status = functions.clCreateSubDevices(device, properties, 1, &part, NULL);
    return made(part, status);
}

opencl_answer opencl_device_number(opencl_handle device, uint32_t parameter) {
    opencl_answer answer = {0, 0};
    answer.status = functions.clGetDeviceInfo(device, parameter, sizeof answer.value, &answer.value, NULL);
    return answer;
}

opencl_made opencl_context(opencl_handle device) {
    int32_t status = 0;
    opencl_handle context = functions.clCreateContext(NULL, 1, &device, NULL, NULL, &status);
    return made(context, status);
}

opencl_made opencl_queue(opencl_handle context, opencl_handle device) {
    int32_t status = 0;
    const uint64_t profiling = 1 << 1; /* in order, with times */
    opencl_handle queue = functions.clCreateCommandQueue(context, device, profiling, &status);
    return made(queue, status);
}

opencl_made opencl_buffer(opencl_handle context, uint64_t flags, uint64_t size) {
    int32_t status = 0;
    opencl_handle memory = functions.clCreateBuffer(context, flags, size, NULL, &status);
    return made(memory, status);
}

opencl_made opencl_program_of_source(opencl_handle context, const char *text, size_t size) {
    int32_t status = 0;
    opencl_handle program = functions.clCreateProgramWithSource(context, 1, &text, &size, &status);
    return made(program, status);
}

opencl_made opencl_program_of_binary(
    opencl_handle context, opencl_handle device, const unsigned char *bytes, size_t size) {
    int32_t status = 0, binary = 0;
    opencl_handle program =
        functions.clCreateProgramWithBinary(context, 1, &device, &size, &bytes, &binary, &status);
    if (status == 0 && binary != 0) {
        functions.clReleaseProgram(program);
        status = binary;
    }
    return made(program, status);
}

int32_t opencl_build(opencl_handle program, opencl_handle device, const char *options) {
    return functions.clBuildProgram(program, 1, &device, options, NULL, NULL);
}

opencl_made opencl_kernel(opencl_handle program, const char *name) {
    int32_t status = 0;
    opencl_handle kernel = functions.clCreateKernel(program, name, &status);
    return made(kernel, status);
}

int32_t opencl_argument_handle(opencl_handle kernel, uint32_t index, opencl_handle memory) {
    return functions.clSetKernelArg(kernel, index, sizeof memory, &memory);
}

int32_t opencl_argument_small(opencl_handle kernel, uint32_t index, uint64_t word, uint32_t size) {
    return functions.clSetKernelArg(kernel, index, size, &word);
}

int32_t opencl_argument_local(opencl_handle kernel, uint32_t index, uint64_t bytes) {
    return functions.clSetKernelArg(kernel, index, bytes, NULL);
}

opencl_answer opencl_kernel_number(opencl_handle kernel, opencl_handle device, uint32_t parameter) {
    opencl_answer answer = {0, 0};
    answer.status = functions.clGetKernelWorkGroupInfo(
        kernel, device, parameter, sizeof answer.value, &answer.value, NULL);
    return answer;
}

opencl_answer opencl_kernel_argument_count(opencl_handle kernel) {
    opencl_answer answer = {0, 0};
    answer.status =
        functions.clGetKernelInfo(kernel, OPENCL_KERNEL_NUM_ARGS, sizeof answer.value, &answer.value, NULL);
    return answer;
}

opencl_made opencl_enqueue_kernel(opencl_handle queue, opencl_handle kernel, opencl_range range) {
    opencl_handle event = 0;
    const size_t *local = range.local[0] ? range.local : NULL;
    uint32_t axes = range.global[2] > 1 ? 3 : range.global[1] > 1 ? 2 : 1;
    int32_t status = functions.clEnqueueNDRangeKernel(
        queue, kernel, axes, NULL, range.global, local, 0, NULL, &event);
    return made(event, status);
}

opencl_made opencl_enqueue_read(
    opencl_handle queue, opencl_handle memory, uint64_t offset, uint64_t size, void *target) {
    opencl_handle event = 0;
    int32_t status = functions.clEnqueueReadBuffer(queue, memory, 0, offset, size, target, 0, NULL, &event);
    return made(event, status);
}

opencl_made opencl_enqueue_write(
    opencl_handle queue, opencl_handle memory, uint64_t offset, uint64_t size, const void *source) {
    opencl_handle event = 0;
    int32_t status = functions.clEnqueueWriteBuffer(queue, memory, 0, offset, size, source, 0, NULL, &event);
    return made(event, status);
}

opencl_made opencl_enqueue_copy(
    opencl_handle queue, opencl_handle destination, uint64_t destination_offset, opencl_handle source,
    uint64_t source_offset, uint64_t size) {
    opencl_handle event = 0;
    int32_t status = functions.clEnqueueCopyBuffer(
        queue, source, destination, source_offset, destination_offset, size, 0, NULL, &event);
    return made(event, status);
}

opencl_made opencl_enqueue_block(opencl_handle queue, const opencl_block *block) {
    opencl_handle event = 0;
    const size_t to[3] = {block->destination_offset, 0, 0}, from[3] = {block->source_offset, 0, 0};
    const size_t size[3] = {block->width, block->height, block->depth};
    int32_t status;
    if (block->destination && block->source)
        status = functions.clEnqueueCopyBufferRect(
            queue, block->source, block->destination, from, to, size, block->source_row, block->source_plane,
            block->destination_row, block->destination_plane, 0, NULL, &event);
    else if (block->destination)
        status = functions.clEnqueueWriteBufferRect(
            queue, block->destination, 0, to, from, size, block->destination_row, block->destination_plane,
            block->source_row, block->source_plane, block->source_host, 0, NULL, &event);
    else
        status = functions.clEnqueueReadBufferRect(
            queue, block->source, 0, from, to, size, block->source_row, block->source_plane,
            block->destination_row, block->destination_plane, block->destination_host, 0, NULL, &event);
    return made(event, status);
}

opencl_made opencl_enqueue_fill(
    opencl_handle queue, opencl_handle memory, uint64_t offset, uint64_t size, uint8_t value) {
    opencl_handle event = 0;
    int32_t status = functions.clEnqueueFillBuffer(queue, memory, &value, 1, offset, size, 0, NULL, &event);
    return made(event, status);
}

opencl_made opencl_enqueue_marker(opencl_handle queue, opencl_handle event) {
    opencl_handle marker = 0;
    /* With a wait list a marker waits for that list alone; an in-order queue keeps it behind the rest all the same. */
    int32_t status = functions.clEnqueueMarkerWithWaitList(queue, event ? 1 : 0, event ? &event : NULL, &marker);
    return made(marker, status);
}

opencl_made opencl_enqueue_barrier(opencl_handle queue, opencl_handle event) {
    opencl_handle barrier = 0;
    int32_t status = functions.clEnqueueBarrierWithWaitList(queue, event ? 1 : 0, event ? &event : NULL, &barrier);
    return made(barrier, status);
}

int32_t opencl_flush(opencl_handle queue) { return functions.clFlush(queue); }
int32_t opencl_wait(opencl_handle event) { return functions.clWaitForEvents(1, &event); }

int32_t opencl_event_status(opencl_handle event) {
    int32_t state = 0;
    int32_t status = functions.clGetEventInfo(event, 0x11D3, sizeof state, &state, NULL);
    return status == 0 ? state : status;
}

opencl_answer opencl_event_time(opencl_handle event, uint32_t parameter) {
    opencl_answer answer = {0, 0};
    answer.status =
        functions.clGetEventProfilingInfo(event, parameter, sizeof answer.value, &answer.value, NULL);
    return answer;
}

int32_t opencl_retain_event(opencl_handle event) { return functions.clRetainEvent(event); }
int32_t opencl_release_event(opencl_handle event) { return functions.clReleaseEvent(event); }
int32_t opencl_release_memory(opencl_handle memory) { return functions.clReleaseMemObject(memory); }
int32_t opencl_release_kernel(opencl_handle kernel) { return functions.clReleaseKernel(kernel); }
int32_t opencl_release_program(opencl_handle program) { return functions.clReleaseProgram(program); }
int32_t opencl_release_queue(opencl_handle queue) { return functions.clReleaseCommandQueue(queue); }
int32_t opencl_release_context(opencl_handle context) { return functions.clReleaseContext(context); }
int32_t opencl_release_device(opencl_handle device) { return functions.clReleaseDevice(device); }
