// What the misbehaviour `throws` calls: an exception that leaves a C function of the table.
#include <stdexcept>

extern "C" void throw_across(void) { throw std::runtime_error("thrown across the interface"); }
