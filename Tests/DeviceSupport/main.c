/* Says "passed" when all holds that the headers for devices in C promise. */
#include "check.h"

int main(void) {
    test_support();
    test_operators();
    test_queues();
    puts("passed");
    return 0;
}
