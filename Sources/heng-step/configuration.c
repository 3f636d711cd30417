/*
 * The configuration block.
 *
 * Keys: argument and environment (repeated, in order), directory, input, output, error, append (1: do not empty them),
 * cpus, memory_policy (bind, preferred or interleave), nodes, data_limit (bytes), resident_limit (bytes), process_limit,
 * group (CONTROLLERS:PATH, repeated), parent (CONTROLLERS:PATH), freezer (a path), grace (milliseconds), time_limit
 * (milliseconds), warning (SIGNAL:MILLISECONDS:first or all), orphan (a path, repeated); for a detached step folder,
 * name, attempt and boot. An unknown key is an error: agent and step come from one build, so it is a mistake.
 */
#include "step.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Larger than the kernel's limit for arguments and environment together at the usual stack size. */
enum { BLOCK_LIMIT = 8 << 20 };

static int read_exactly(void *target, size_t count) {
    char *next = target;
    while (count > 0) {
        ssize_t got = read(STEP_SOCKET, next, count);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno;
        if (got == 0) return ENODATA;
        next += got;
        count -= (size_t)got;
    }
    return 0;
}

static bool parse_number(const char *text, uint64_t limit, uint64_t *number) {
    if (*text < '0' || *text > '9') return false;
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != 0 || value > limit) return false;
    *number = value;
    return true;
}

bool step_parse_mask(const char *text, struct step_mask *mask) {
    memset(mask, 0, sizeof *mask);
    while (*text != 0) {
        if (*text < '0' || *text > '9') return false;
        char *end = NULL;
        unsigned long low = strtoul(text, &end, 10), high = low;
        if (*end == '-') {
            if (end[1] < '0' || end[1] > '9') return false;
            high = strtoul(end + 1, &end, 10);
        }
        if (high < low || high >= STEP_MASK_BITS) return false;
        for (unsigned long bit = low; bit <= high; bit++)
            mask->words[bit / STEP_WORD_BITS] |= 1UL << (bit % STEP_WORD_BITS);
        mask->present = true;
        if (*end == ',' && end[1] != 0) end++;
        else if (*end != 0) return false;
        text = end;
    }
    return mask->present;
}

static bool has_bit(const struct step_mask *mask, size_t bit) {
    return bit < STEP_MASK_BITS && (mask->words[bit / STEP_WORD_BITS] >> (bit % STEP_WORD_BITS) & 1) != 0;
}

void step_format_mask(const struct step_mask *mask, char *text, size_t size) {
    size_t used = 0;
    text[0] = 0;
    for (size_t low = 0; low < STEP_MASK_BITS; low++) {
        if (!has_bit(mask, low)) continue;
        size_t high = low;
        while (has_bit(mask, high + 1)) high++;
        const char *comma = used == 0 ? "" : ",";
        int wrote = high == low ? snprintf(text + used, size - used, "%s%zu", comma, low)
                                : snprintf(text + used, size - used, "%s%zu-%zu", comma, low, high);
        if (wrote < 0 || (size_t)wrote >= size - used) return;
        used += (size_t)wrote;
        low = high;
    }
}

static bool parse_policy(const char *text, int *policy) {
    if (strcmp(text, "bind") == 0) *policy = MPOL_BIND;
    else if (strcmp(text, "preferred") == 0) *policy = MPOL_PREFERRED;
    else if (strcmp(text, "interleave") == 0) *policy = MPOL_INTERLEAVE;
    else return false;
    return true;
}

static bool parse_group(char *value, struct step_group *group) {
    char *colon = strchr(value, ':');
    if (colon == NULL || colon[1] != '/') return false;
    /* Room for the names of the files below it. */
    if (strlen(colon + 1) > STEP_PATH_LIMIT - 64) return false;
    *colon = 0;
    *group = (struct step_group){value, colon + 1};
    return true;
}

/* One place is left for the group that is made when the step is frozen. */
static bool add_group(struct step_configuration *configuration, char *value) {
    if (configuration->group_count == STEP_GROUP_LIMIT - 1) return false;
    return parse_group(value, &configuration->groups[configuration->group_count++]);
}

/* SIGNAL:MILLISECONDS:first or all. */
static bool parse_warning(struct step_configuration *configuration, char *value) {
    char *before = strchr(value, ':');
    if (before == NULL) return false;
    *before++ = 0;
    char *whom = strchr(before, ':');
    if (whom == NULL) return false;
    *whom++ = 0;
    uint64_t number = 0;
    if (!parse_number(value, 64, &number) || number == 0) return false;
    configuration->warning_signal = (int)number;
    configuration->warning_to_first = strcmp(whom, "first") == 0;
    if (!configuration->warning_to_first && strcmp(whom, "all") != 0) return false;
    return parse_number(before, INT64_MAX / 1000000, &configuration->warning_milliseconds);
}

static bool add_orphan(struct step_configuration *configuration, const char *path) {
    if (configuration->orphan_count == STEP_FILE_LIMIT) return false;
    configuration->orphans[configuration->orphan_count++] = path;
    return true;
}

static bool take(struct step_configuration *configuration, const char *key, char *value) {
    uint64_t number = 0;
    if (strcmp(key, "directory") == 0) configuration->directory = value;
    else if (strcmp(key, "input") == 0) configuration->input = value;
    else if (strcmp(key, "output") == 0) configuration->output = value;
    else if (strcmp(key, "error") == 0) configuration->error = value;
    else if (strcmp(key, "orphan") == 0) return add_orphan(configuration, value);
    else if (strcmp(key, "cpus") == 0) return step_parse_mask(value, &configuration->cpus);
    else if (strcmp(key, "nodes") == 0) return step_parse_mask(value, &configuration->nodes);
    else if (strcmp(key, "memory_policy") == 0) return parse_policy(value, &configuration->memory_policy);
    else if (strcmp(key, "group") == 0) return add_group(configuration, value);
    else if (strcmp(key, "parent") == 0) return parse_group(value, &configuration->parent);
    else if (strcmp(key, "freezer") == 0) configuration->freezer = value;
    else if (strcmp(key, "append") == 0) configuration->appends = strcmp(value, "1") == 0;
    else if (strcmp(key, "folder") == 0) configuration->folder = value;
    else if (strcmp(key, "name") == 0) configuration->name = value;
    else if (strcmp(key, "attempt") == 0) configuration->attempt = value;
    else if (strcmp(key, "boot") == 0) configuration->boot = value;
    else if (strcmp(key, "warning") == 0) return parse_warning(configuration, value);
    else if (strcmp(key, "time_limit") == 0)
        return parse_number(value, INT64_MAX / 1000000, &configuration->time_limit_milliseconds);
    else if (strcmp(key, "process_limit") == 0)
        return parse_number(value, INT32_MAX, &configuration->process_limit);
    else if (strcmp(key, "data_limit") == 0) return parse_number(value, INT64_MAX, &configuration->data_limit);
    else if (strcmp(key, "resident_limit") == 0)
        return parse_number(value, INT64_MAX, &configuration->resident_limit);
    else if (strcmp(key, "grace") == 0) {
        if (!parse_number(value, INT32_MAX, &number)) return false;
        configuration->grace_milliseconds = (uint32_t)number;
    } else return false;
    return true;
}

/* Splits the block into entries and sorts them into the configuration. */
static int parse_block(char *block, size_t length, struct step_configuration *configuration) {
    if (length == 0 || block[length - 1] != 0) return EBADMSG;
    size_t entries = 0;
    for (size_t at = 0; at < length; at++) entries += block[at] == 0;
    configuration->arguments = calloc(entries + 1, sizeof(char *));
    configuration->environment = calloc(entries + 1, sizeof(char *));
    if (configuration->arguments == NULL || configuration->environment == NULL) return ENOMEM;
    size_t arguments = 0, variables = 0;
    char *next = NULL;
    for (char *entry = block; entry < block + length; entry = next) {
        next = entry + strlen(entry) + 1;
        char *value = strchr(entry, '=');
        if (value == NULL) return EBADMSG;
        *value++ = 0;
        if (strcmp(entry, "argument") == 0) configuration->arguments[arguments++] = value;
        else if (strcmp(entry, "environment") == 0) configuration->environment[variables++] = value;
        else if (!take(configuration, entry, value)) return EBADMSG;
    }
    bool detached = configuration->folder != NULL;
    if (detached && (configuration->name == NULL || strlen(configuration->name) > 64)) return EBADMSG;
    if (detached && (configuration->attempt == NULL || configuration->boot == NULL)) return EBADMSG;
    return arguments > 0 ? 0 : EBADMSG;
}

int step_read_configuration(struct step_configuration *configuration) {
    memset(configuration, 0, sizeof *configuration);
    configuration->grace_milliseconds = 5000;
    unsigned char head[8];
    int failure = read_exactly(head, sizeof head);
    if (failure != 0) return failure;
    if (memcmp(head, "HGS1", 4) != 0) return EBADMSG;
    size_t length = head[4] | (size_t)head[5] << 8 | (size_t)head[6] << 16 | (size_t)head[7] << 24;
    if (length > BLOCK_LIMIT) return E2BIG;
    char *block = malloc(length + 1);
    if (block == NULL) return ENOMEM;
    failure = read_exactly(block, length);
    return failure != 0 ? failure : parse_block(block, length, configuration);
}
