// The one place that spells compiler attributes.
#pragma once

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_index, first_index) \
    __attribute__((format(printf, format_index, first_index)))
#define NO_RETURN __attribute__((noreturn))
#define FALLTHROUGH __attribute__((fallthrough))
// Calls `release(&variable)` when the variable goes out of scope.
#define SCOPED(release) __attribute__((cleanup(release)))
// A function that may use SSE 4.2; its caller asks the processor first.
#define TARGET_SSE42 __attribute__((target("sse4.2")))
