#include "node/core/system_rows.h"

#define WIRE_SELF struct member_row
WIRE_RECORD(member_row, MEMBER_ROW_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct partition_row
WIRE_RECORD(partition_row, PARTITION_ROW_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct cluster_row
WIRE_RECORD(cluster_row, CLUSTER_ROW_FIELDS)
#undef WIRE_SELF

const char *member_state_name(uint8_t state) {
    static const char *const names[] = {
        [MEMBER_UNKNOWN] = "unknown",
        [MEMBER_JOINING] = "joining",
        [MEMBER_ACTIVE] = "active",
        [MEMBER_DRAINING] = "draining",
        [MEMBER_LEFT] = "left",
        [MEMBER_DEAD] = "dead",
    };
    return state < sizeof(names) / sizeof(names[0]) ? names[state] : names[MEMBER_UNKNOWN];
}
