/*
 * What the scenarios run as jobs. It writes its process number to FOLDER/pid.RANK once its memory is in place.
 *
 *   probe hold MEBIBYTES SECONDS FOLDER           touches memory, and keeps it
 *   probe train MEBIBYTES STEPS FOLDER            changes all of its memory in each step, which takes a fifth of a second
 *                                                 or more, then saves the step in FOLDER/step.RANK, from where it goes on
 *   probe spin SECONDS FOLDER                     waits for FOLDER/go, computes, and prints which part of the time it got
 *   probe stubborn MEBIBYTES SECONDS FOLDER       like hold, and ignores SIGTERM
 *   probe swarm COUNT SECONDS FOLDER              so many processes that ignore SIGTERM and fork on and on
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static double seconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void rest(double time) {
    struct timespec pause = {(time_t)time, (long)((time - (double)(time_t)time) * 1e9)};
    nanosleep(&pause, NULL);
}

static const char *rank(void) {
    const char *value = getenv("HENG_RANK");
    return value == NULL ? "0" : value;
}

/* Whole or not at all, also for who is killed meanwhile. */
static void save(const char *folder, const char *name, long value) {
    char path[512], fresh[520];
    snprintf(path, sizeof path, "%s/%s.%s", folder, name, rank());
    snprintf(fresh, sizeof fresh, "%s.new", path);
    FILE *file = fopen(fresh, "w");
    if (file == NULL || fprintf(file, "%ld\n", value) < 0 || fclose(file) != 0 || rename(fresh, path) != 0) {
        perror(path);
        exit(3);
    }
}

static long load(const char *folder, const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s.%s", folder, name, rank());
    FILE *file = fopen(path, "r");
    long value = 0;
    if (file != NULL && fscanf(file, "%ld", &value) != 1) value = 0;
    if (file != NULL) fclose(file);
    return value;
}

static void touch(volatile uint8_t *memory, size_t size) {
    for (size_t at = 0; at < size; at += 4096) memory[at]++;
}

static volatile uint8_t *take(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        perror("mmap");
        exit(3);
    }
    touch(memory, size);
    return memory;
}

static int train(size_t size, long steps, const char *folder) {
    volatile uint8_t *memory = take(size);
    long step = load(folder, "step");
    printf("begins after step %ld\n", step);
    fflush(stdout);
    save(folder, "pid", getpid());
    while (step < steps) {
        touch(memory, size);
        rest(0.2);
        save(folder, "step", ++step);
    }
    printf("ends after step %ld\n", step);
    return 0;
}

static int spin(double time, const char *folder) {
    char go[512];
    snprintf(go, sizeof go, "%s/go", folder);
    save(folder, "pid", getpid());
    while (access(go, F_OK) != 0) rest(0.02);
    double start = seconds(CLOCK_MONOTONIC), used = seconds(CLOCK_PROCESS_CPUTIME_ID), now;
    volatile unsigned sink = 0;
    do {
        for (unsigned i = 0; i < 100000; i++) sink += i;
        now = seconds(CLOCK_MONOTONIC);
    } while (now - start < time);
    printf("%.4f\n", (seconds(CLOCK_PROCESS_CPUTIME_ID) - used) / (now - start));
    return 0;
}

/* Each generation ends when it has made the next one, so no list of processes is ever up to date. */
static int swarm(long count, double time, const char *folder) {
    signal(SIGTERM, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    save(folder, "pid", getpid());
    double end = seconds(CLOCK_MONOTONIC) + time;
    for (long i = 0; i < count; i++) {
        if (fork() != 0) continue;
        setsid();
        while (seconds(CLOCK_MONOTONIC) < end) {
            rest(0.01);
            if (fork() > 0) _exit(0);
        }
        _exit(0);
    }
    rest(time);
    return 0;
}

int main(int count, char **arguments) {
    const char *what = count > 1 ? arguments[1] : "";
    double first = count > 2 ? atof(arguments[2]) : 0, second = count > 3 ? atof(arguments[3]) : 0;
    size_t bytes = (size_t)(first * (1 << 20));
    if (strcmp(what, "spin") == 0 && count == 4) return spin(first, arguments[3]);
    if (count != 5) {
        fputs("probe: see the comment in probe.c\n", stderr);
        return 2;
    }
    if (strcmp(what, "train") == 0) return train(bytes, (long)second, arguments[4]);
    if (strcmp(what, "swarm") == 0) return swarm((long)first, second, arguments[4]);
    if (strcmp(what, "stubborn") == 0) signal(SIGTERM, SIG_IGN);
    take(bytes);
    save(arguments[4], "pid", getpid());
    rest(second);
    return 0;
}
