/*
 * SwiftPM links every program with the Swift driver, whose start-up object announces the program to the Swift
 * runtime through these two functions. Answering here, together with static linking in the manifest, leaves the
 * runtime and the C++ library out: the supervisor then starts in 1 ms instead of 6. Should a later toolchain ask
 * for a third function, the runtime is linked in again, and the program only gets larger and slower to start.
 */
#include <stdbool.h>

void swift_addNewDSOImage(const void *image);
bool _swift_backtrace_isThunkFunction(const char *name);

void swift_addNewDSOImage(const void *image) {
    (void)image;
}

bool _swift_backtrace_isThunkFunction(const char *name) {
    (void)name;
    return false;
}
