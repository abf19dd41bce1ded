#include "scheduler/window.h"

#include "proto/limits.h"

// The time a hand-out is kept by.
static int64_t kept_as(int64_t at_ms, int64_t window_ms, int64_t rate) {
    int64_t quantum_ms = rate > LIMIT_RATE_TIMES ? window_ms / LIMIT_RATE_TIMES + 1 : 1;
    return (at_ms + quantum_ms - 1) / quantum_ms * quantum_ms;
}

uint32_t
window_prune(struct limit_row *row, int64_t now_ms, int64_t window_ms, int64_t *out_oldest_ms) {
    uint32_t kept = 0;
    uint32_t used = 0;
    *out_oldest_ms = INT64_MAX;
    for (uint32_t i = 0; i < row->counts.count && i < row->times_ms.count; i++) {
        int64_t at_ms = row->base_ms + row->times_ms.items[i];
        if (at_ms <= now_ms - window_ms) {
            continue;
        }
        *out_oldest_ms = at_ms < *out_oldest_ms ? at_ms : *out_oldest_ms;
        used += row->counts.items[i];
        row->times_ms.items[kept] = row->times_ms.items[i];
        row->counts.items[kept] = row->counts.items[i];
        kept++;
    }
    row->times_ms.count = kept;
    row->counts.count = kept;
    return used;
}

void window_note(
    struct limit_row *row, int64_t now_ms, int64_t window_ms, int64_t rate, struct arena *arena
) {
    int64_t oldest_ms = INT64_MAX;
    (void)window_prune(row, now_ms, window_ms, &oldest_ms);
    int64_t at_ms = kept_as(now_ms, window_ms, rate);
    uint32_t count = row->counts.count;
    uint32_t *times = ARENA_ARRAY(arena, uint32_t, count + 1);
    uint32_t *counts = ARENA_ARRAY(arena, uint32_t, count + 1);
    int64_t base_ms = count > 0 ? oldest_ms : at_ms;
    for (uint32_t i = 0; i < count; i++) {
        times[i] = (uint32_t)(row->base_ms + row->times_ms.items[i] - base_ms);
        counts[i] = row->counts.items[i];
    }
    if (count > 0 && base_ms + times[count - 1] >= at_ms) {
        counts[count - 1]++;
    } else {
        times[count] = (uint32_t)(at_ms - base_ms);
        counts[count] = 1;
        count++;
    }
    row->base_ms = base_ms;
    row->times_ms.items = times;
    row->counts.items = counts;
    row->times_ms.count = count;
    row->counts.count = count;
}

void window_forget(struct limit_row *row, int64_t at_ms, int64_t window_ms, int64_t rate) {
    int64_t kept_ms = kept_as(at_ms, window_ms, rate);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < row->counts.count && i < row->times_ms.count; i++) {
        uint32_t count = row->counts.items[i] - (row->base_ms + row->times_ms.items[i] == kept_ms);
        if (count > 0) {
            row->times_ms.items[kept] = row->times_ms.items[i];
            row->counts.items[kept] = count;
            kept++;
        }
    }
    row->times_ms.count = kept;
    row->counts.count = kept;
}
