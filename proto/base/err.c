// The table of errors, read back.
#include "proto/base/err.h"

#include "proto/base/check.h"

uint16_t err_http_status(enum err_code code) {
    static const uint16_t statuses[] = {
#define ERR_STATUS(name, status, meaning) status,
        ERR_TABLE(ERR_STATUS)
#undef ERR_STATUS
    };
    check((unsigned)code < ERR_CODE_COUNT);
    return statuses[code];
}

const char *err_name(enum err_code code) {
    static const char *const names[] = {
#define ERR_NAME(name, status, meaning) #name,
        ERR_TABLE(ERR_NAME)
#undef ERR_NAME
    };
    check((unsigned)code < ERR_CODE_COUNT);
    return names[code];
}
