// One run of memory, used round and round: an event is its size and its bytes, which may go on at
// the beginning. The oldest go when there is no room. Pages that were never reached take no memory.
// An event larger than LIMIT_RECORD_EVENT_BYTES is kept as an empty one: the replay ends there.
#include "node/shell/recorder.h"

#include "node/core/event_record.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SIZE_BYTES = 4
};

struct recorder {
    struct store *store;
    uint32_t group_count;
    struct buffer options;
    struct buffer event; // the one being written
    uint8_t *ring;
    size_t first; // place of the oldest
    size_t used;
    uint64_t count; // in the ring
    uint64_t gone;  // before it
    bool fresh;     // the store was empty when it began
};

struct recorder *recorder_create(const struct node_options *options) {
    struct recorder *recorder = calloc(1, sizeof(*recorder));
    check(recorder != NULL);
    recorder->ring = malloc(LIMIT_RECORD_BYTES);
    check(recorder->ring != NULL);
    recorder->store = options->store;
    recorder->group_count = options->settings.group_count;
    buffer_init(&recorder->options, LIMIT_RECORD_EVENT_BYTES);
    buffer_init(&recorder->event, LIMIT_RECORD_EVENT_BYTES);
    options_record_write(options, &recorder->options);
    recorder->fresh = true;
    for (uint32_t group = 0; group < recorder->group_count; group++) {
        recorder->fresh =
            recorder->fresh && store_group(options->store, (group_id)group).last_index == 0;
    }
    return recorder;
}

void recorder_destroy(struct recorder **recorder) {
    if (*recorder != NULL) {
        buffer_deinit(&(*recorder)->options);
        buffer_deinit(&(*recorder)->event);
        free((*recorder)->ring);
        free(*recorder);
        *recorder = NULL;
    }
}

// --- the ring
// ---------------------------------------------------------------------------------------------

static void ring_put(struct recorder *recorder, const uint8_t *from, size_t size) {
    size_t at = (recorder->first + recorder->used) % LIMIT_RECORD_BYTES;
    size_t before_end = LIMIT_RECORD_BYTES - at;
    size_t now = size < before_end ? size : before_end;
    memcpy(recorder->ring + at, from, now);
    memcpy(recorder->ring, from + now, size - now);
    recorder->used += size;
}

static void oldest_go(struct recorder *recorder) {
    uint8_t size[SIZE_BYTES];
    for (size_t i = 0; i < SIZE_BYTES; i++) {
        size[i] = recorder->ring[(recorder->first + i) % LIMIT_RECORD_BYTES];
    }
    size_t whole = SIZE_BYTES + bytes_get_u32(size);
    recorder->first = (recorder->first + whole) % LIMIT_RECORD_BYTES;
    recorder->used -= whole;
    recorder->count--;
    recorder->gone++;
}

static void keep(struct recorder *recorder, bytes record) {
    while (recorder->used + SIZE_BYTES + record.size > LIMIT_RECORD_BYTES ||
           recorder->count == LIMIT_RECORD_EVENTS) {
        oldest_go(recorder);
    }
    uint8_t size[SIZE_BYTES];
    bytes_put_u32(size, (uint32_t)record.size);
    ring_put(recorder, size, SIZE_BYTES);
    if (record.size > 0) {
        ring_put(recorder, record.data, record.size);
    }
    recorder->count++;
}

void recorder_note(struct recorder *recorder, const struct node_event *event) {
    buffer_clear(&recorder->event);
    event_record_write(event, &recorder->event);
    bool fits = !err_is(buffer_status(&recorder->event));
    keep(recorder, fits ? buffer_bytes(&recorder->event) : BYTES_EMPTY);
}

void recorder_mark(struct recorder *recorder, uint8_t mark) {
    keep(recorder, bytes_of(&mark, 1));
}

// --- the file
// ---------------------------------------------------------------------------------------------

static bool write_all(int file, const uint8_t *at, size_t size) {
    while (size > 0) {
        ssize_t written = write(file, at, size);
        if (written <= 0) {
            return false;
        }
        at += written;
        size -= (size_t)written;
    }
    return true;
}

static bool part_write(int file, bytes part) {
    uint8_t size[SIZE_BYTES];
    bytes_put_u32(size, (uint32_t)part.size);
    return write_all(file, size, SIZE_BYTES) && write_all(file, part.data, part.size);
}

static bool file_write(const struct recorder *recorder, int file) {
    struct buffer part;
    buffer_init(&part, LIMIT_RECORD_EVENT_BYTES);
    buffer_format(
        &part,
        "gone=%llu count=%llu fresh=%d",
        (unsigned long long)recorder->gone,
        (unsigned long long)recorder->count,
        recorder->fresh
    );
    size_t before_end = LIMIT_RECORD_BYTES - recorder->first;
    size_t straight = recorder->used < before_end ? recorder->used : before_end;
    static const char magic[] = EVENT_DUMP_MAGIC;
    bool done = write_all(file, (const uint8_t *)magic, sizeof(magic) - 1) &&
                part_write(file, buffer_bytes(&recorder->options)) &&
                part_write(file, buffer_bytes(&part)) &&
                write_all(file, recorder->ring + recorder->first, straight) &&
                write_all(file, recorder->ring, recorder->used - straight);
    buffer_clear(&part);
    groups_record_write(recorder->store, recorder->group_count, &part);
    done = done && part_write(file, buffer_bytes(&part));
    buffer_deinit(&part);
    return done;
}

void recorder_dump(
    const struct recorder *recorder,
    const char *folder,
    wall_time now,
    const struct log *log,
    struct arena *arena
) {
    const char *path = arena_format(arena, "%s/events-%lld.dump", folder, (long long)now.ms);
    int file = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    bool written = file >= 0 && file_write(recorder, file);
    if (file >= 0) {
        written = close(file) == 0 && written;
    }
    log_line(
        log,
        written ? LOG_INFO : LOG_ERROR,
        written ? "events_dumped" : "events_not_dumped",
        "file=%s events=%llu",
        path,
        (unsigned long long)recorder->count
    );
}
