// Entries into frames: what a leader sends (rule 9 of distributed.md §4) is drawn from the store
// when a frame to the follower's node is being filled, so entries of one turn travel together and
// are copied once.
//
// An entry too large for a frame goes in parts, `part_sent` ahead of `part_acked`; the next one
// waits until it is acknowledged whole.
#include "node/raft/raft_internal.h"
#include "proto/base/check.h"

// --- flights -------------------------------------------------------------------------------------

static void flights_push(struct follower *follower, log_index last, uint64_t size) {
    struct flights *flights = &follower->flights;
    check(flights->count < LIMIT_RAFT_WINDOW_MESSAGES);
    uint32_t at = (flights->first + flights->count) % LIMIT_RAFT_WINDOW_MESSAGES;
    flights->ring[at] = (struct flight){last, size};
    flights->count++;
    flights->bytes += size;
    follower->pair->flight_bytes += size;
}

void flights_release(struct follower *follower, log_index match) {
    struct flights *flights = &follower->flights;
    while (flights->count > 0 && flights->ring[flights->first].last <= match) {
        uint64_t size = flights->ring[flights->first].bytes;
        flights->first = (flights->first + 1) % LIMIT_RAFT_WINDOW_MESSAGES;
        flights->count--;
        flights->bytes -= size;
        follower->pair->flight_bytes -= size;
    }
}

void flights_clear(struct follower *follower) {
    flights_release(follower, UINT64_MAX);
}

// --- filling a frame -----------------------------------------------------------------------------

enum fill {
    FILL_DONE, // nothing more may be sent now
    FILL_MORE, // a message was written; perhaps another one
    FILL_ROOM  // the frame has no room for the next
};

static bool window_is_open(const struct follower *follower) {
    const struct flights *flights = &follower->flights;
    if (follower->part_sent > 0) {
        return follower->part_sent - follower->part_acked < LIMIT_RAFT_PART_WINDOW_BYTES;
    }
    return flights->count < LIMIT_RAFT_WINDOW_MESSAGES &&
           flights->bytes < LIMIT_RAFT_WINDOW_BYTES &&
           follower->pair->flight_bytes < LIMIT_RAFT_LINK_BYTES;
}

static bool
may_send(const struct raft *raft, const struct replica *replica, const struct follower *follower) {
    if (follower->progress > RAFT_REPLICATING || follower->speaks_from != 0 ||
        heed_is_lost(follower) || pair_is_silent(raft, follower->pair)) {
        return false;
    }
    bool has_news = follower->next <= replica->last || follower->probe_owed;
    if (follower->progress == RAFT_PROBING) {
        return has_news && follower->flights.count == 0;
    }
    return follower->probe_owed || (has_news && window_is_open(follower));
}

static void
note_sent(struct raft *raft, struct replica *replica, struct follower *follower, uint64_t size) {
    if (follower->flights.count == 0) {
        follower->sent = raft->now;
        replica_wake(raft, replica, mono_after(raft->now, LIMIT_RAFT_RESEND_MS));
    }
    bool has_entries = size > 0;
    if (has_entries || follower->progress == RAFT_PROBING) {
        flights_push(follower, follower->next - 1, size);
    }
    follower->probe_owed = false;
    follower->commit_told = replica->commit;
    raft->stats.messages_sent++;
}

static struct message append_head(
    const struct replica *replica,
    const struct follower *follower,
    enum message_kind kind,
    uint64_t log_term,
    hash128 chain
) {
    return (struct message){
        .kind = kind,
        .group = replica->id,
        .term = replica->term,
        .from = replica->number,
        .to = follower->replica,
        .index = follower->next - 1,
        .log_term = log_term,
        .chain = chain,
        .commit = replica->commit,
    };
}

// The next piece of the large entry `next`.
static enum fill put_piece(
    struct raft *raft,
    struct replica *replica,
    struct follower *follower,
    struct message *head,
    const struct store_entry *entry,
    struct buffer *frame,
    size_t frame_bytes_max
) {
    size_t total = entry->payload.size;
    if (follower->part_sent >= total && !follower->probe_owed) {
        return FILL_DONE;
    }
    size_t from = follower->part_sent < total ? (size_t)follower->part_sent : 0;
    size_t size = total - from;
    size = size > LIMIT_RAFT_PART_BYTES ? LIMIT_RAFT_PART_BYTES : size;
    if (frame->size + size + MESSAGE_HEAD_BYTES_MAX + MESSAGE_ENTRY_HEAD_BYTES_MAX >
        frame_bytes_max) {
        return FILL_ROOM;
    }
    head->kind = MESSAGE_PART;
    follower->probed = head->index;
    head->offset = from;
    size_t place = message_begin_body(frame, head);
    message_put_part(frame, entry, total, bytes_slice(entry->payload, from, from + size));
    message_end_body(frame, place);
    note_sent(raft, replica, follower, 0);
    if (follower->part_sent == follower->part_acked) {
        follower->sent = raft->now;
        replica_wake(raft, replica, mono_after(raft->now, LIMIT_RAFT_RESEND_MS));
    }
    follower->part_sent = from + size;
    return FILL_MORE;
}

static bool
entry_fits(const struct buffer *frame, size_t frame_bytes_max, const struct store_entry *entry) {
    return entry->payload.size <= LIMIT_RAFT_PART_BYTES &&
           frame->size + MESSAGE_ENTRY_HEAD_BYTES_MAX + entry->payload.size <= frame_bytes_max;
}

// Entries from `next` on, as many as one message takes; none is a probe too.
static void put_entries(
    struct raft *raft,
    struct replica *replica,
    struct follower *follower,
    const struct message *head,
    struct buffer *frame,
    size_t frame_bytes_max
) {
    size_t place = message_begin_body(frame, head);
    struct store_entry entry;
    follower->probed = head->index;
    // A probe that is owed goes out beside a full window, without entries.
    bool open = follower->progress == RAFT_PROBING || window_is_open(follower);
    while (open && follower->next <= replica->last && frame->size - place < LIMIT_RAFT_APPEND_BYTES
    ) {
        err found = store_entry_read(raft->store, replica->id, follower->next, &entry);
        if (err_is(found) || !entry_fits(frame, frame_bytes_max, &entry)) {
            break;
        }
        message_put_entry(frame, &entry);
        follower->next++;
        raft->stats.entries_sent++;
    }
    size_t size = open ? frame->size - place : 0;
    message_end_body(frame, place);
    note_sent(raft, replica, follower, size);
}

static enum fill fill_once(
    struct raft *raft,
    struct replica *replica,
    struct follower *follower,
    struct buffer *frame,
    size_t frame_bytes_max
) {
    if (!may_send(raft, replica, follower)) {
        return FILL_DONE;
    }
    if (frame->size + MESSAGE_HEAD_BYTES_MAX > frame_bytes_max) {
        return FILL_ROOM;
    }
    uint64_t log_term = 0;
    hash128 chain = {0};
    struct store_entry entry = {0};
    bool kept = store_entry_term(raft->store, replica->id, follower->next - 1, &log_term, &chain);
    bool has_entry = follower->next <= replica->last;
    if (kept && has_entry) {
        kept = !err_is(store_entry_read(raft->store, replica->id, follower->next, &entry));
    }
    if (!kept) {
        flights_clear(follower);
        follower->progress = RAFT_NEEDS_SNAPSHOT;
        follower->part_sent = 0;
        follower->part_acked = 0;
        replica_wake(raft, replica, raft->now);
        return FILL_DONE;
    }
    struct message head = append_head(replica, follower, MESSAGE_APPEND, log_term, chain);
    if (has_entry && entry.payload.size > LIMIT_RAFT_PART_BYTES) {
        return put_piece(raft, replica, follower, &head, &entry, frame, frame_bytes_max);
    }
    size_t room = frame_bytes_max - MESSAGE_HEAD_BYTES_MAX;
    if (has_entry && !entry_fits(frame, room, &entry)) {
        return FILL_ROOM;
    }
    put_entries(raft, replica, follower, &head, frame, frame_bytes_max);
    return FILL_MORE;
}

bool lead_fill(
    struct raft *raft,
    struct replica *replica,
    struct follower *follower,
    struct buffer *frame,
    size_t frame_bytes_max
) {
    if (follower->progress == RAFT_INSTALLING) {
        return install_fill(raft, replica, follower, frame, frame_bytes_max);
    }
    enum fill fill = FILL_MORE;
    while (fill == FILL_MORE) {
        fill = fill_once(raft, replica, follower, frame, frame_bytes_max);
    }
    return fill == FILL_ROOM;
}
