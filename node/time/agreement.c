// Every shared part begins at the beginning of one of the intervals. So each beginning is tried:
// how many hold it, and where the first of those ends. Clusters are small; a sort would save
// nothing.
#include "node/time/agreement.h"

#include "proto/base/check.h"
#include "proto/limits.h"

// How many intervals hold `at_us`; where the first of them ends.
static size_t
holders(const struct clock_interval *intervals, size_t count, int64_t at_us, int64_t *out_end_us) {
    size_t holding = 0;
    *out_end_us = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        if (intervals[i].low_us <= at_us && at_us <= intervals[i].high_us) {
            holding++;
            *out_end_us = intervals[i].high_us < *out_end_us ? intervals[i].high_us : *out_end_us;
        }
    }
    return holding;
}

bool clocks_agree(
    const struct clock_interval *intervals,
    size_t count,
    size_t majority,
    struct clock_interval *out_shared
) {
    check(count <= LIMIT_NODES);
    size_t most = 0;
    struct clock_interval shared = {0};
    for (size_t i = 0; i < count; i++) {
        int64_t begin_us = intervals[i].low_us;
        int64_t end_us = 0;
        size_t holding = holders(intervals, count, begin_us, &end_us);
        if (holding > most || (holding == most && begin_us < shared.low_us)) {
            most = holding;
            shared = (struct clock_interval){begin_us, end_us};
        }
    }
    if (most < majority || most == 0) {
        return false;
    }
    *out_shared = shared;
    return true;
}
