// One small record a pair of groups. A pair with messages to apply is linked into a list; so is a
// pair with an acknowledgement to write, in its source's list.
//
// A message is applied only once its source committed it: groups commit on their own, and nothing
// may follow from an entry that could still be lost.
//
// `sent` and `forgotten` are the source's, `acked` and `applied` the destination's where that is
// led here. After a recovery the two may be of different epochs for a while (scheduler/renewal.h):
// then nothing moves between them.
#include "node/core/streams.h"

#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "scheduler/commands/commands.h"
#include "scheduler/renewal.h"

#include <stdlib.h>

struct stream {
    uint64_t sent;       // newest committed at the source
    uint64_t applied;    // newest applied at the destination, or handed to its node
    uint64_t acked;      // newest committed at the destination
    uint64_t forgotten;  // newest the source was told to forget
    uint32_t next_ready; // index + 1 in the list of streams with messages, 0 at the end
    uint32_t next_ack;
    bool ready;
    bool ack;
};

struct streams {
    struct stream *streams;
    uint32_t group_count;
    uint32_t ready_first; // index + 1
    uint32_t *ack_first;  // by source
    uint32_t ack_streams;
    uint32_t open_streams; // with messages that are not acknowledged
    bool *led;             // by group: its rows are decided here
};

struct streams *streams_create(uint32_t group_count) {
    struct streams *streams = calloc(1, sizeof(*streams));
    check(streams != NULL);
    streams->group_count = group_count;
    streams->streams = calloc((size_t)group_count * group_count, sizeof(struct stream));
    streams->ack_first = calloc(group_count, sizeof(uint32_t));
    streams->led = calloc(group_count, sizeof(bool));
    check(streams->streams != NULL && streams->ack_first != NULL && streams->led != NULL);
    return streams;
}

void streams_destroy(struct streams **streams) {
    if (*streams != NULL) {
        free((*streams)->streams);
        free((*streams)->ack_first);
        free((*streams)->led);
        free(*streams);
        *streams = NULL;
    }
}

static uint32_t index_of(const struct streams *streams, group_id source, group_id destination) {
    check(source < streams->group_count);
    check(destination < streams->group_count);
    return (uint32_t)source * streams->group_count + destination;
}

// Whether the next message can be handed on.
static bool has_next(const struct stream *stream) {
    return stream->applied < stream->sent && renewal_same_epoch(stream->applied, stream->sent);
}

static void ready_link(struct streams *streams, uint32_t index) {
    struct stream *stream = &streams->streams[index];
    if (!stream->ready && has_next(stream)) {
        stream->ready = true;
        stream->next_ready = streams->ready_first;
        streams->ready_first = index + 1;
    }
}

static void ack_link(struct streams *streams, uint32_t index) {
    struct stream *stream = &streams->streams[index];
    if (!stream->ack && stream->forgotten < stream->acked && stream->acked <= stream->sent) {
        uint32_t source = index / streams->group_count;
        stream->ack = true;
        stream->next_ack = streams->ack_first[source];
        streams->ack_first[source] = index + 1;
        streams->ack_streams++;
    }
}

static group_id destination_of(const struct streams *streams, uint32_t index) {
    check(streams->group_count > 0);
    return (group_id)(index % streams->group_count);
}

static group_id source_of(const struct streams *streams, uint32_t index) {
    check(streams->group_count > 0);
    return (group_id)(index / streams->group_count);
}

// Sets one position; every change of `sent` and `acked` comes through here, for the count of open
// ones.
static void
positions_set(struct streams *streams, struct stream *stream, uint64_t sent, uint64_t acked) {
    bool was_open = stream->acked < stream->sent;
    stream->sent = sent;
    stream->acked = acked;
    bool is_open = acked < sent;
    if (is_open && !was_open) {
        streams->open_streams++;
    } else if (was_open && !is_open) {
        streams->open_streams--;
    }
}

// What is behind the newest acknowledged is handed on again: for a destination elsewhere, or one
// whose entries above that are lost. A destination that is led here has applied what it has.
static void rewind_stream(struct streams *streams, uint32_t index) {
    struct stream *stream = &streams->streams[index];
    stream->applied = stream->acked;
    ready_link(streams, index);
}

// A destination that is led here and in another epoch keeps its positions until it is in this one.
static bool
waits_for_destination(const struct streams *streams, uint32_t index, uint64_t sequence) {
    return streams->led[destination_of(streams, index)] &&
           !renewal_same_epoch(streams->streams[index].acked, sequence);
}

static void source_message(struct streams *streams, uint32_t index, uint64_t sequence) {
    struct stream *stream = &streams->streams[index];
    bool first = stream->sent == 0;
    uint64_t before = sequence - 1;
    uint64_t acked = first && stream->acked < before ? before : stream->acked;
    stream->forgotten = first ? before : stream->forgotten;
    if (waits_for_destination(streams, index, sequence)) {
        positions_set(streams, stream, sequence, stream->acked);
        return;
    }
    positions_set(streams, stream, sequence, acked);
    if (first) {
        ack_link(streams, index);
    }
    bool led = streams->led[destination_of(streams, index)];
    if (first && (!led || mutant_is("stream_applied_again"))) {
        rewind_stream(streams, index);
    } else {
        ready_link(streams, index);
    }
}

static void source_lead(struct streams *streams, struct store *store, group_id source) {
    struct key from = key_kind_prefix(KEY_OUTBOX);
    struct store_cursor *cursor = store_cursor_open(store, NULL, source, key_bytes(&from));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    struct key_outbox_parts parts;
    while (store_cursor_next(cursor, &key, &value) && key_outbox_parse(key, &parts)) {
        source_message(streams, index_of(streams, source, parts.destination), parts.sequence);
    }
    store_cursor_close(&cursor);
}

static void destination_lead(struct streams *streams, struct store *store, group_id destination) {
    for (uint32_t source = 0; source < streams->group_count; source++) {
        uint64_t watermark = 0;
        err read = message_watermark(store, destination, (group_id)source, &watermark);
        check(!err_is(read));
        uint32_t index = index_of(streams, (group_id)source, destination);
        struct stream *stream = &streams->streams[index];
        positions_set(streams, stream, stream->sent, watermark);
        rewind_stream(streams, index);
        if (stream->sent != 0) {
            ack_link(streams, index);
        }
    }
}

void streams_lead(struct streams *streams, struct store *store, group_id group) {
    streams->led[group] = true;
    destination_lead(streams, store, group);
    source_lead(streams, store, group);
}

static void source_follow(struct streams *streams, group_id source) {
    for (uint32_t group = 0; group < streams->group_count; group++) {
        struct stream *stream = &streams->streams[index_of(streams, source, (group_id)group)];
        streams->ack_streams -= stream->ack;
        stream->ack = false;
        stream->forgotten = 0;
        // What it has applied stays: the destination may be led here.
        positions_set(streams, stream, 0, stream->acked);
    }
    streams->ack_first[source] = 0;
}

void streams_follow(struct streams *streams, group_id group) {
    streams->led[group] = false;
    source_follow(streams, group);
    for (uint32_t source = 0; source < streams->group_count; source++) {
        uint32_t index = index_of(streams, (group_id)source, group);
        struct stream *stream = &streams->streams[index];
        if (stream->sent == 0) {
            positions_set(streams, stream, 0, 0);
            stream->applied = 0;
            continue;
        }
        if (!renewal_same_epoch(stream->acked, stream->sent)) {
            positions_set(streams, stream, stream->sent, stream->forgotten);
        }
        rewind_stream(streams, index);
    }
}

void streams_sent(
    struct streams *streams, group_id source, group_id destination, uint64_t sequence
) {
    uint32_t index = index_of(streams, source, destination);
    struct stream *stream = &streams->streams[index];
    if (stream->sent == 0) {
        // The first message of this process on this stream: what was before it is long applied.
        stream->forgotten = sequence - 1;
        if (waits_for_destination(streams, index, sequence)) {
            positions_set(streams, stream, sequence, stream->acked);
            return;
        }
        positions_set(streams, stream, sequence, sequence - 1);
        stream->applied = sequence - 1;
    }
    check(sequence <= stream->sent + 1);
    if (sequence > stream->sent) {
        positions_set(streams, stream, sequence, stream->acked);
    }
    ready_link(streams, index);
}

void streams_applied(
    struct streams *streams, group_id source, group_id destination, uint64_t sequence
) {
    struct stream *stream = &streams->streams[index_of(streams, source, destination)];
    check(sequence == stream->applied + 1);
    stream->applied = sequence;
}

void streams_acknowledged(
    struct streams *streams, group_id source, group_id destination, uint64_t sequence
) {
    uint32_t index = index_of(streams, source, destination);
    struct stream *stream = &streams->streams[index];
    if (sequence <= stream->acked || (stream->sent != 0 && sequence > stream->sent)) {
        return;
    }
    positions_set(streams, stream, stream->sent, sequence);
    if (stream->applied < sequence) {
        stream->applied = sequence;
    }
    if (stream->sent != 0) {
        ack_link(streams, index);
        ready_link(streams, index);
    }
}

uint64_t
streams_newest_applied(const struct streams *streams, group_id source, group_id destination) {
    return streams->streams[index_of(streams, source, destination)].applied;
}

uint64_t
streams_newest_acked(const struct streams *streams, group_id source, group_id destination) {
    return streams->streams[index_of(streams, source, destination)].acked;
}

void streams_stall(struct streams *streams, group_id source, group_id destination) {
    // Only ever the one that streams_next gave: the first.
    uint32_t index = index_of(streams, source, destination);
    check(streams->ready_first == index + 1);
    struct stream *stream = &streams->streams[index];
    stream->ready = false;
    streams->ready_first = stream->next_ready;
}

void streams_resume(struct streams *streams, group_id source, group_id destination) {
    if (streams->led[source] && streams->led[destination]) {
        ready_link(streams, index_of(streams, source, destination));
    }
}

void streams_retry(struct streams *streams) {
    for (uint32_t source = 0; source < streams->group_count; source++) {
        if (!streams->led[source]) {
            continue;
        }
        for (uint32_t group = 0; group < streams->group_count; group++) {
            uint32_t index = index_of(streams, (group_id)source, (group_id)group);
            if (!streams->led[group]) {
                rewind_stream(streams, index);
            } else {
                ready_link(streams, index);
            }
        }
    }
}

bool streams_are_open(const struct streams *streams) {
    return streams->open_streams > 0;
}

bool streams_next(struct streams *streams, struct stream_position *out_position) {
    while (streams->ready_first != 0) {
        uint32_t index = streams->ready_first - 1;
        struct stream *stream = &streams->streams[index];
        if (has_next(stream)) {
            *out_position = (struct stream_position){
                .source = source_of(streams, index),
                .destination = destination_of(streams, index),
                .sequence = stream->applied + 1,
            };
            return true;
        }
        stream->ready = false;
        streams->ready_first = stream->next_ready;
    }
    return false;
}

bool streams_take_ack(
    struct streams *streams, group_id source, struct stream_position *out_position
) {
    for (;;) {
        uint32_t first = streams->ack_first[source];
        if (first == 0) {
            return false;
        }
        struct stream *stream = &streams->streams[first - 1];
        streams->ack_first[source] = stream->next_ack;
        streams->ack_streams--;
        stream->ack = false;
        if (stream->acked > stream->sent) {
            continue; // the destination went to the next epoch: its number says nothing of this one
        }
        stream->forgotten = stream->acked;
        *out_position = (struct stream_position){
            .source = source,
            .destination = destination_of(streams, first - 1),
            .sequence = stream->acked,
        };
        return true;
    }
}

bool streams_ack_group(const struct streams *streams, group_id *out_source) {
    if (streams->ack_streams == 0) {
        return false;
    }
    for (uint32_t source = 0; source < streams->group_count; source++) {
        if (streams->ack_first[source] != 0) {
            *out_source = (group_id)source;
            return true;
        }
    }
    return false;
}
