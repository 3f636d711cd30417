// The other three libraries for tests: a compiler that makes host code of CUDA C, products in plain loops, and readings.
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <regex>

#include "stub.h"

#define EXPORT extern "C" __attribute__((visibility("default")))
using namespace stub;

#define ENTER(...) \
    do { \
        if (int scripted = enter(__func__ __VA_OPT__(, ) __VA_ARGS__)) return scripted; \
    } while (0)

// ---- NVRTC ----

struct Program {
    std::string source, log, image;
};

EXPORT int32_t nvrtcVersion(int32_t *major, int32_t *minor) {
    *major = 13;
    *minor = 0;
    return 0;
}
EXPORT int32_t nvrtcGetNumSupportedArchs(int32_t *count) {
    *count = 2;
    return 0;
}
EXPORT int32_t nvrtcGetSupportedArchs(int32_t *all) {
    all[0] = 80;
    all[1] = 90;
    return 0;
}
EXPORT int32_t nvrtcCreateProgram(
    hcu_program *program, const char *source, const char *, int32_t headers, const char *const *, const char *const *) {
    ENTER();
    if (headers) return 3;
    *program = (hcu_program) new Program{source, "", ""};
    return 0;
}
EXPORT int32_t nvrtcDestroyProgram(hcu_program *program) {
    ENTER();
    delete (Program *)*program;
    *program = nullptr;
    return 0;
}
static std::string contents(const std::string &path) {
    std::string all;
    if (FILE *file = fopen(path.c_str(), "r")) {
        char chunk[65536];
        while (size_t count = fread(chunk, 1, sizeof chunk, file)) all.append(chunk, count);
        fclose(file);
    }
    return all;
}
EXPORT int32_t nvrtcCompileProgram(hcu_program handle, int32_t count, const char *const *options) {
    Program *program = (Program *)handle;
    std::string defines;
    bool has_target = false;
    for (int32_t i = 0; i < count; i++) {
        std::string option = options[i];
        if (option.rfind("-D", 0) == 0) defines += " '" + option + "'";
        has_target = has_target || option == "--gpu-architecture=sm_90";
    }
    ENTER(defines);
    if (!has_target) return 5;
    static std::atomic<int> number{0};
    std::string base = emulation_folder + "/kernel" + std::to_string(getpid()) + "-" + std::to_string(number++);
    FILE *file = fopen((base + ".cpp").c_str(), "w");
    if (!file) return 11;
    fprintf(file, "#include \"emulation.h\"\n#line 1 \"kernel.cu\"\n%s\n", program->source.c_str());
    std::regex kernel("extern \"C\" __global__ void (\\w+)\\(");
    for (std::sregex_iterator next(program->source.begin(), program->source.end(), kernel), end; next != end; ++next)
        fprintf(file, "EMULATED_KERNEL(%s)\n", (*next)[1].str().c_str());
    fclose(file);
    std::string command = "c++ -std=c++17 -O1 -ffp-contract=off -w -fPIC -shared -I'" + emulation_folder + "'" + defines
        + " -o '" + base + ".so' '" + base + ".cpp' > '" + base + ".log' 2>&1";
    int status = system(command.c_str());
    program->log = contents(base + ".log");
    std::string code = contents(base + ".so");
    uint64_t size = code.size();
    program->image = "HENGSTUB" + std::string((char *)&size, 8) + code;
    for (const char *end : {".cpp", ".so", ".log"}) unlink((base + end).c_str());
    return status == 0 ? 0 : HCU_COMPILE_FAILED;
}
EXPORT int32_t nvrtcGetProgramLogSize(hcu_program program, size_t *size) {
    *size = ((Program *)program)->log.size() + 1;
    return 0;
}
EXPORT int32_t nvrtcGetProgramLog(hcu_program program, char *log) {
    strcpy(log, ((Program *)program)->log.c_str());
    return 0;
}
EXPORT int32_t nvrtcGetCUBINSize(hcu_program program, size_t *size) {
    *size = ((Program *)program)->image.size();
    return 0;
}
EXPORT int32_t nvrtcGetCUBIN(hcu_program program, char *image) {
    memcpy(image, ((Program *)program)->image.data(), ((Program *)program)->image.size());
    return 0;
}
EXPORT int32_t nvrtcGetPTXSize(hcu_program, size_t *) { return 10; }
EXPORT int32_t nvrtcGetPTX(hcu_program, char *) { return 10; }

// ---- cuBLASLt ----

struct Matmul {
    int32_t compute, scale, transpose_a = 0, transpose_b = 0;
};
struct Layout {
    int32_t type;
    uint64_t rows, columns;
    int64_t leading;
    int32_t batch = 1;
    int64_t stride = 0;
};
static const size_t needed_workspace = 1024;
static std::atomic<int> living_parts{0};

static float from_half(uint16_t bits) {
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    float value = exponent ? ldexpf((float)(fraction + 1024), exponent - 25) : ldexpf((float)fraction, -24);
    return bits & 0x8000 ? -value : value;
}
static uint16_t to_half(float value) {
    // The nearest of all halves, by search: slow, and with nothing to get wrong.
    uint16_t best = 0;
    for (uint32_t bits = 0; bits < 0x7c00; bits++)
        if (fabsf(from_half((uint16_t)bits) - fabsf(value)) < fabsf(from_half(best) - fabsf(value))) best = (uint16_t)bits;
    return (uint16_t)(best | (value < 0 ? 0x8000 : 0));
}
static double load(int32_t type, const void *place, int64_t index) {
    switch (type) {
        case HCU_REAL_64F: return ((const double *)place)[index];
        case HCU_REAL_16F: return from_half(((const uint16_t *)place)[index]);
        case HCU_REAL_16BF: {
            uint32_t bits = (uint32_t)((const uint16_t *)place)[index] << 16;
            float value;
            memcpy(&value, &bits, 4);
            return value;
        }
        default: return ((const float *)place)[index];
    }
}
static void store(int32_t type, void *place, int64_t index, double value) {
    switch (type) {
        case HCU_REAL_64F: ((double *)place)[index] = value; break;
        case HCU_REAL_16F: ((uint16_t *)place)[index] = to_half((float)value); break;
        case HCU_REAL_16BF: {
            float narrow = (float)value;
            uint32_t bits;
            memcpy(&bits, &narrow, 4);
            ((uint16_t *)place)[index] = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
            break;
        }
        default: ((float *)place)[index] = (float)value;
    }
}

EXPORT int32_t cublasLtCreate(hcu_blas_handle *handle) {
    ENTER();
    *handle = (hcu_blas_handle) new int(0);
    return 0;
}
EXPORT int32_t cublasLtDestroy(hcu_blas_handle handle) {
    ENTER();
    delete (int *)handle;
    return 0;
}
EXPORT int32_t cublasLtMatmulDescCreate(hcu_matmul *matmul, int32_t compute, int32_t scale) {
    ENTER(std::to_string(compute) + " " + std::to_string(scale));
    living_parts++;
    *matmul = (hcu_matmul) new Matmul{compute, scale};
    return 0;
}
EXPORT int32_t cublasLtMatmulDescDestroy(hcu_matmul matmul) {
    ENTER();
    living_parts--;
    delete (Matmul *)matmul;
    return 0;
}
EXPORT int32_t cublasLtMatmulDescSetAttribute(hcu_matmul matmul, int32_t attribute, const void *value, size_t size) {
    ENTER(std::to_string(attribute) + " " + std::to_string(*(const int32_t *)value));
    if (size != 4) return 7;
    if (attribute == HCU_MATMUL_TRANSPOSE_A) ((Matmul *)matmul)->transpose_a = *(const int32_t *)value;
    else if (attribute == HCU_MATMUL_TRANSPOSE_B) ((Matmul *)matmul)->transpose_b = *(const int32_t *)value;
    else return 7;
    return 0;
}
EXPORT int32_t cublasLtMatrixLayoutCreate(
    hcu_layout *layout, int32_t type, uint64_t rows, uint64_t columns, int64_t leading) {
    ENTER(std::to_string(type) + " " + std::to_string(rows) + "x" + std::to_string(columns) + " " + std::to_string(leading));
    if (leading < (int64_t)rows) return 7;
    living_parts++;
    *layout = (hcu_layout) new Layout{type, rows, columns, leading};
    return 0;
}
EXPORT int32_t cublasLtMatrixLayoutDestroy(hcu_layout layout) {
    ENTER();
    living_parts--;
    delete (Layout *)layout;
    return 0;
}
EXPORT int32_t cublasLtMatrixLayoutSetAttribute(hcu_layout layout, int32_t attribute, const void *value, size_t size) {
    ENTER(std::to_string(attribute));
    if (attribute == HCU_LAYOUT_BATCH_COUNT && size == 4) ((Layout *)layout)->batch = *(const int32_t *)value;
    else if (attribute == HCU_LAYOUT_BATCH_STRIDE && size == 8) ((Layout *)layout)->stride = *(const int64_t *)value;
    else return 7;
    return 0;
}
EXPORT int32_t cublasLtMatmulPreferenceCreate(hcu_preference *preference) {
    ENTER();
    living_parts++;
    *preference = (hcu_preference) new size_t(0);
    return 0;
}
EXPORT int32_t cublasLtMatmulPreferenceDestroy(hcu_preference preference) {
    ENTER();
    living_parts--;
    delete (size_t *)preference;
    return 0;
}
EXPORT int32_t cublasLtMatmulPreferenceSetAttribute(
    hcu_preference preference, int32_t attribute, const void *value, size_t size) {
    ENTER(std::to_string(attribute));
    if (attribute >= HCU_PREFERENCE_ALIGNMENT_A && attribute < HCU_PREFERENCE_ALIGNMENT_A + 4 && size == 4) return 0;
    if (attribute != HCU_PREFERENCE_WORKSPACE_BYTES || size != 8) return 7;
    *(size_t *)preference = *(const size_t *)value;
    return 0;
}

static bool fit(const Matmul *m, const Layout *a, const Layout *b, const Layout *d) {
    uint64_t rows = m->transpose_a ? a->columns : a->rows, depth = m->transpose_a ? a->rows : a->columns;
    uint64_t other = m->transpose_b ? b->columns : b->rows, columns = m->transpose_b ? b->rows : b->columns;
    return rows == d->rows && columns == d->columns && depth == other && a->type == b->type && a->batch == d->batch
        && b->batch == d->batch;
}
EXPORT int32_t cublasLtMatmulAlgoGetHeuristic(
    hcu_blas_handle, hcu_matmul matmul, hcu_layout a, hcu_layout b, hcu_layout c, hcu_layout d, hcu_preference preference,
    int32_t wanted, hcu_heuristic *results, int32_t *count) {
    ENTER();
    if (!fit((Matmul *)matmul, (Layout *)a, (Layout *)b, (Layout *)d) || c != d || wanted < 1) return 7;
    if (*(size_t *)preference < needed_workspace) {
        *count = 0;
        return 15;
    }
    memset(results, 0, sizeof *results);
    results->algorithm.data[0] = 0x48454e47;
    results->workspace_bytes = needed_workspace;
    *count = 1;
    return 0;
}
EXPORT int32_t cublasLtMatmul(
    hcu_blas_handle, hcu_matmul matmul, const void *alpha, const void *a, hcu_layout a_layout, const void *b,
    hcu_layout b_layout, const void *beta, const void *c, hcu_layout, void *d, hcu_layout d_layout,
    const hcu_algorithm *algorithm, void *workspace, size_t workspace_bytes, hcu_stream stream) {
    ENTER();
    Matmul m = *(Matmul *)matmul;
    Layout la = *(Layout *)a_layout, lb = *(Layout *)b_layout, ld = *(Layout *)d_layout;
    if (!fit(&m, &la, &lb, &ld) || c != d || algorithm->data[0] != 0x48454e47) return 7;
    if (workspace_bytes < needed_workspace || !holds((uint64_t)workspace, needed_workspace, HCU_MEMORY_DEVICE)
        || (uint64_t)workspace % 256)
        return 7;
    bool wide = m.scale == HCU_REAL_64F;
    double factor = wide ? *(const double *)alpha : *(const float *)alpha;
    double keep = wide ? *(const double *)beta : *(const float *)beta;
    uint64_t depth = m.transpose_a ? la.rows : la.columns;
    return submit(stream, [=] {
        for (int64_t matrix = 0; matrix < ld.batch; matrix++)
            for (int64_t column = 0; column < (int64_t)ld.columns; column++)
                for (int64_t row = 0; row < (int64_t)ld.rows; row++) {
                    double sum = 0;
                    for (int64_t k = 0; k < (int64_t)depth; k++) {
                        int64_t ia = m.transpose_a ? k + row * la.leading : row + k * la.leading;
                        int64_t ib = m.transpose_b ? column + k * lb.leading : k + column * lb.leading;
                        sum += load(la.type, a, ia + matrix * la.stride) * load(lb.type, b, ib + matrix * lb.stride);
                    }
                    int64_t place = row + column * ld.leading + matrix * ld.stride;
                    store(ld.type, d, place, factor * sum + (keep != 0 ? keep * load(ld.type, d, place) : 0));
                }
    });
}
EXPORT int stub_products(void) { return living_parts; }

// ---- NVML ----

static int managed;
static std::atomic<int> started{0};
EXPORT int32_t nvmlInit_v2(void) {
    ENTER();
    started++;
    return 0;
}
EXPORT int32_t nvmlShutdown(void) {
    ENTER();
    return started-- > 0 ? 0 : 1;
}
EXPORT int32_t nvmlDeviceGetHandleByUUID(const char *uuid, hcu_managed *device) {
    ENTER(uuid);
    if (!started) return 1;
    *device = (hcu_managed)&managed;
    return strcmp(uuid, "GPU-00010203-0405-0607-0809-0a0b0c0d0e0f") == 0 ? 0 : 6;
}
EXPORT int32_t nvmlDeviceGetTemperature(hcu_managed, int32_t sensor, uint32_t *celsius) {
    ENTER();
    *celsius = 41;
    return sensor == 0 ? 0 : 2;
}
EXPORT int32_t nvmlDeviceGetPowerUsage(hcu_managed, uint32_t *milliwatts) {
    ENTER();
    *milliwatts = 123456;
    return 0;
}
EXPORT int32_t nvmlDeviceGetTotalEnergyConsumption(hcu_managed, uint64_t *millijoules) {
    ENTER();
    *millijoules = 5000;
    return 0;
}
EXPORT int32_t nvmlDeviceGetUtilizationRates(hcu_managed, hcu_utilization *rates) {
    ENTER();
    *rates = {75, 20};
    return 0;
}
EXPORT int32_t nvmlDeviceGetMemoryInfo(hcu_managed, hcu_memory_state *memory) {
    ENTER();
    *memory = {1000, 600, 400};
    return 0;
}
EXPORT int32_t nvmlDeviceGetTotalEccErrors(hcu_managed, int32_t kind, int32_t counter, uint64_t *count) {
    ENTER();
    *count = kind == 0 ? 3 : 0;
    return counter == 0 ? 0 : 2;
}
EXPORT int32_t nvmlDeviceGetCurrentClocksThrottleReasons(hcu_managed, uint64_t *reasons) {
    ENTER();
    *reasons = 0;
    return 0;
}
