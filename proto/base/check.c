// Printing goes through a fixed buffer and the C library's stderr only: a check may fail anywhere,
// also where nothing may be allocated.
#include "proto/base/check.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *condition, const char *file, int line) {
    (void)fprintf(
        stderr, "level=fatal event=check_failed at=%s:%d condition=\"%s\"\n", file, line, condition
    );
    abort();
}
