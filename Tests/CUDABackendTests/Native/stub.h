// What the parts of the stub driver share: the log of calls, the script of failures, and memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "heng_cuda.h"

namespace stub {
// Writes the call down, and gives the result that the test scripted for it, or 0.
int enter(const std::string &function, const std::string &arguments = "");
// Notes a call that a correct caller never makes.
void violation(const std::string &text);
// Whether [address, address + size) lies in one living block of memory of that kind (HCU_MEMORY_..., 0 for any).
bool holds(uint64_t address, size_t size, int kind);
// Puts work into a stream, or into the graph that the stream is being captured into.
int submit(hcu_stream stream, std::function<void()> work);
// Breaks the context as a failing kernel does.
void break_context(int result);
extern std::recursive_mutex lock;
extern std::string emulation_folder;
} // namespace stub
