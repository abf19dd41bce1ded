// What every fuzz target defines. A broken oracle stops the process by check().
#pragma once

#include "proto/base/check.h"

#include <stddef.h>
#include <stdint.h>

// Feeds one input to the code under test. Always 0. The name is libFuzzer's.
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);
