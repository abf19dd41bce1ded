// New documents out of the byte ranges of old ones.
#include "proto/json/json_internal.h"

// --- compact -------------------------------------------------------------------------------------

// The first blank between tokens at or after `at`, or `end`.
static const uint8_t *find_blank(const uint8_t *at, const uint8_t *end) {
    while (at < end && !json_is_blank(*at)) {
        at = *at == '"' ? json_skip_string(at, end) : at + 1;
    }
    return at;
}

bytes json_compact(bytes value, struct arena *arena) {
    const uint8_t *end = value.data + value.size;
    const uint8_t *from = value.data;
    const uint8_t *to = find_blank(from, end);
    if (to == end) {
        return value;
    }
    uint8_t *compact = arena_alloc(arena, value.size);
    size_t size = 0;
    while (from < end) {
        memcpy(compact + size, from, (size_t)(to - from));
        size += (size_t)(to - from);
        from = json_skip_blanks(to, end);
        to = find_blank(from, end);
    }
    return bytes_of(compact, size);
}

// --- merge ---------------------------------------------------------------------------------------

// The members of both objects stand in one list. Sorting it brings equal keys together: the first
// of them keeps its place and gets the value of the last, the others go.
static size_t settle(struct json_member *members, const struct json_member *sorted, size_t count) {
    size_t size = 2;
    size_t from = 0;
    while (from < count) {
        size_t last = from;
        while (last + 1 < count &&
               json_string_compare(sorted[from].raw_key, sorted[last + 1].raw_key) == 0) {
            last++;
            members[sorted[last].index].value = BYTES_EMPTY;
        }
        members[sorted[from].index].value = sorted[last].value;
        size += sorted[from].raw_key.size + sorted[last].value.size + 2;
        from = last + 1;
    }
    return size;
}

static size_t put(uint8_t *at, bytes view) {
    memcpy(at, view.data, view.size);
    return view.size;
}

bytes json_merge(bytes base, bytes over, struct arena *arena) {
    size_t count_max = json_count(base) + json_count(over);
    struct json_member *members = ARENA_ARRAY(arena, struct json_member, count_max);
    size_t count = json_members_collect(base, members, 0);
    count = json_members_collect(over, members, count);
    struct json_member *sorted = ARENA_ARRAY(arena, struct json_member, count_max);
    if (count > 0) {
        memcpy(sorted, members, sizeof(*members) * count);
    }
    json_members_sort(sorted, count);
    uint8_t *merged = arena_alloc(arena, settle(members, sorted, count));
    size_t size = 0;
    merged[size++] = '{';
    for (size_t index = 0; index < count; index++) {
        if (members[index].value.size == 0) {
            continue;
        }
        if (size > 1) {
            merged[size++] = ',';
        }
        size += put(merged + size, members[index].raw_key);
        merged[size++] = ':';
        size += put(merged + size, members[index].value);
    }
    merged[size++] = '}';
    return bytes_of(merged, size);
}
