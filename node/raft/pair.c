// What two nodes say to each other, for all groups of the pair at once.
//
// Every frame begins with a header, and the header is the heartbeat: it stands for all groups. The
// leader side names a version of its *list*, the groups it leads and the other votes in, with their
// terms; the list itself travels only while the other does not hold its newest version. The other
// side names the version it holds and the groups of it that it does not follow (a higher term, no
// such replica). So a quiet group costs nothing, and a header still is a true statement for each:
// "I follow you in all of your list, but for these". Election timers, check-quorum and reads rest
// on that statement; log and votes never do. See README.md for why that is safe.
//
// A frame is made when asked for (raft_take_frame), from what waits: small messages already
// encoded, commits, entries drawn from the store.
#include "node/raft/raft_internal.h"
#include "proto/base/check.h"

#include <stdlib.h>

enum {
    PAIRS_FIRST = 16,
    SAMPLE_MS = 40,          // between samples of when a round was sent
    LONG_AGO_MS = 3600000,   // before the start
    FRAME_APPEND_ROOM = 1024 // with less left, appends wait for the next frame
};

// --- life ----------------------------------------------------------------------------------------

struct pair *pair_add(struct raft *raft, node_id node) {
    if (raft->pair_count == raft->pair_capacity) {
        raft->pair_capacity = raft->pair_capacity == 0 ? PAIRS_FIRST : raft->pair_capacity * 2;
        raft->pairs = realloc(raft->pairs, raft->pair_capacity * sizeof(struct pair *));
        check(raft->pairs != NULL);
    }
    struct pair *pair = calloc(1, sizeof(*pair));
    check(pair != NULL);
    mono_time long_ago = mono_after(raft->now, -(int64_t)LONG_AGO_MS);
    pair->node = node;
    pair->list_sent = long_ago;
    pair->sent = long_ago;
    pair->asked = long_ago;
    pair->wondered = long_ago;
    pair->confirmed = long_ago;
    pair->heard = long_ago;
    pair->heard_held = long_ago;
    buffer_init(&pair->urgent, LIMIT_RAFT_URGENT_BYTES);
    ring_init(&pair->appends, raft->group_count);
    ring_init(&pair->commits, raft->group_count);
    raft->pairs[raft->pair_count++] = pair;
    return pair;
}

void pair_destroy(struct pair *pair) {
    buffer_deinit(&pair->urgent);
    free(pair->appends.items);
    free(pair->commits.items);
    free(pair);
}

static bool is_used(const struct raft *raft, const struct pair *pair) {
    for (uint32_t i = 0; i < raft->group_count; i++) {
        const struct replica *replica = &raft->replicas[i];
        if (replica_follower(replica, pair->node) != NULL || replica->leader == pair->node ||
            replica->listed_by == pair->node || replica->grant_to == pair->node) {
            return true;
        }
    }
    return false;
}

void pair_drop_unused(struct raft *raft) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < raft->pair_count; i++) {
        struct pair *pair = raft->pairs[i];
        if (pair->gone && !is_used(raft, pair)) {
            pair_destroy(pair);
        } else {
            raft->pairs[kept++] = pair;
        }
    }
    raft->pair_count = kept;
    raft->pair_turn = 0;
}

void pair_say(struct raft *raft, struct pair *pair, const struct message *message) {
    if (pair->urgent.size + MESSAGE_HEAD_BYTES_MAX <= LIMIT_RAFT_URGENT_BYTES) {
        struct message addressed = *message;
        heed_address(raft, pair->node, &addressed);
        message_put(&pair->urgent, &addressed); // else lost, as on the way
        pair->urgent_count++;
    }
}

// --- when ----------------------------------------------------------------------------------------

bool pair_is_silent(const struct raft *raft, const struct pair *pair) {
    return pair->closed || mono_passed(raft, pair->heard, LIMIT_RAFT_SILENCE_MS);
}

static mono_time earlier(mono_time left, mono_time right) {
    return left.ns < right.ns ? left : right;
}

static mono_time later(mono_time left, mono_time right) {
    return left.ns > right.ns ? left : right;
}

// The two of a quiet pair take turns. Out of turn: a list that is not held, a silence, a read, news
// of a commit that found no other frame.
mono_time pair_due(const struct raft *raft, const struct pair *pair) {
    mono_time due = mono_after(pair->sent, LIMIT_RAFT_BEAT_MS);
    if (pair->heard.ns > pair->sent.ns) {
        due = earlier(due, mono_after(pair->heard, LIMIT_RAFT_BEAT_MS / 2));
    }
    if (pair->gone) {
        return (mono_time){INT64_MAX};
    }
    if (pair->closed) {
        return due;
    }
    mono_time ask = mono_after(pair->sent, LIMIT_RAFT_ASK_MS);
    bool abandoned = mono_passed(raft, pair->heard, LIMIT_RAFT_ABANDON_MS);
    if (!abandoned) {
        due = earlier(due, later(ask, mono_after(pair->heard, LIMIT_RAFT_SILENCE_MS)));
    }
    if (!abandoned && pair->lead_version != 0) {
        due =
            earlier(due, later(ask, mono_after(pair->confirmed, (int64_t)LIMIT_RAFT_BEAT_MS * 2)));
    }
    if (!abandoned && pair->held_version != pair->lead_version) {
        due = earlier(due, mono_after(pair->list_sent, LIMIT_RAFT_ASK_MS));
    }
    if (!abandoned && pair->read_round > pair->echo) {
        bool asking = pair->asked_round > pair->echo;
        due = earlier(due, asking ? mono_after(pair->asked, LIMIT_RAFT_ROUND_MS) : raft->now);
    }
    if (pair->commits.count > 0) {
        due = earlier(due, pair->flush);
    }
    return due;
}

// --- a frame -------------------------------------------------------------------------------------

static void
collect_exceptions(const struct raft *raft, const struct pair *pair, struct frame_header *header) {
    header->held_version = pair->list_lsn <= raft->durable ? pair->list_version : 0;
    if (pair->exceptions + pair->refused_count > FRAME_EXCEPTIONS_MAX) {
        header->held_version = 0;
        return;
    }
    for (uint32_t i = 0; i < pair->refused_count; i++) {
        header->exceptions[header->exception_count++] = pair->refused[i];
    }
    if (pair->exceptions > 0) {
        for (uint32_t i = 0; i < raft->group_count; i++) {
            const struct replica *replica = &raft->replicas[i];
            if (replica->listed_by == pair->node && replica->excepted) {
                check(header->exception_count < FRAME_EXCEPTIONS_MAX);
                header->exceptions[header->exception_count++] = replica->id;
            }
        }
    }
}

static struct frame_header make_header(struct raft *raft, const struct pair *pair) {
    if (mono_passed(raft, raft->round_begun, SAMPLE_MS)) {
        read_round(raft);
    }
    struct frame_header header = {
        .incarnation = raft->incarnation,
        .store = raft->store_number,
        .to_incarnation = pair->incarnation,
        .sequence = pair->sequence_sent + 1,
        .round = raft->round,
        .echo = pair->round_seen,
        .lead_version = pair->lead_version,
    };
    bool is_late = pair->lead_version != 0 &&
                   mono_passed(raft, pair->confirmed, (int64_t)LIMIT_RAFT_BEAT_MS * 2);
    // Paced: two that are late by each other would answer without end.
    bool wonders = (pair_is_silent(raft, pair) || is_late) &&
                   mono_passed(raft, pair->wondered, LIMIT_RAFT_ASK_MS);
    header.asks = wonders || pair->read_round > pair->echo;
    collect_exceptions(raft, pair, &header);
    return header;
}

static void put_commits(struct raft *raft, struct pair *pair, struct buffer *frame) {
    while (pair->commits.count > 0 &&
           frame->size + MESSAGE_HEAD_BYTES_MAX < LIMIT_RAFT_FRAME_BYTES / 2) {
        struct replica *replica = &raft->replicas[ring_pop(&pair->commits)];
        struct follower *follower = replica_follower(replica, pair->node);
        check(follower != NULL); // who goes leaves the rings
        follower->commit_queued = false;
        if (replica->role == RAFT_LEADER && follower->commit_told < replica->commit) {
            struct message news = {
                .kind = MESSAGE_COMMIT,
                .group = replica->id,
                .term = replica->term,
                .from = replica->number,
                .to = follower->replica,
                .commit = replica->commit,
            };
            follower->commit_told = replica->commit;
            message_put(frame, &news);
            raft->stats.messages_sent++;
        }
    }
}

static void
put_appends(struct raft *raft, struct pair *pair, struct buffer *frame, size_t frame_bytes_max) {
    for (uint32_t left = pair->appends.count; left > 0; left--) {
        if (frame->size + FRAME_APPEND_ROOM > frame_bytes_max) {
            return;
        }
        struct replica *replica = &raft->replicas[ring_pop(&pair->appends)];
        struct follower *follower = replica_follower(replica, pair->node);
        check(follower != NULL);
        follower->append_queued = false;
        if (replica->role == RAFT_LEADER &&
            lead_fill(raft, replica, follower, frame, frame_bytes_max)) {
            lead_queue(raft, replica, follower);
        }
    }
}

static void note_frame_sent(
    struct raft *raft, struct pair *pair, const struct frame_header *header, size_t size
) {
    raft->round_sent = true;
    pair->sent = raft->now;
    pair->sequence_sent = header->sequence;
    pair->wondered = header->asks ? raft->now : pair->wondered;
    pair->answer_owed = false;
    struct sample *newest = &pair->samples[(pair->sample_next + RAFT_SAMPLES - 1) % RAFT_SAMPLES];
    bool is_first = newest->round == 0;
    if (header->round > newest->round && (is_first || mono_passed(raft, newest->at, SAMPLE_MS))) {
        pair->samples[pair->sample_next] = (struct sample){header->round, raft->now};
        pair->sample_next = (pair->sample_next + 1) % RAFT_SAMPLES;
    }
    if (pair->read_round > pair->echo) {
        pair->asked_round = header->round;
        pair->asked = raft->now;
    }
    raft->stats.frames_sent++;
    raft->stats.bytes_sent += size;
}

static bool
make_frame(struct raft *raft, struct pair *pair, bool *out_urgent, struct buffer *frame) {
    bool list_wanted = pair->list_owed || (pair->held_version != pair->lead_version &&
                                           mono_passed(raft, pair->list_sent, LIMIT_RAFT_ASK_MS));
    bool wanted = pair->urgent.size > 0 || pair->answer_owed || pair->list_owed ||
                  pair_due(raft, pair).ns <= raft->now.ns;
    if (!wanted && pair->appends.count == 0) {
        return false;
    }
    buffer_clear(frame);
    struct frame_header header = make_header(raft, pair);
    message_put_header(frame, &header);
    size_t empty = frame->size;
    if (list_wanted) {
        list_put(raft, pair, frame);
        pair->list_owed = false;
        pair->list_sent = raft->now;
    }
    buffer_append(frame, buffer_bytes(&pair->urgent));
    raft->stats.messages_sent += pair->urgent_count;
    buffer_clear(&pair->urgent);
    pair->urgent_count = 0;
    size_t small = frame->size;
    size_t room = small > empty ? small + LIMIT_RAFT_MIXED_BYTES : LIMIT_RAFT_FRAME_BYTES;
    put_appends(raft, pair, frame, room < LIMIT_RAFT_FRAME_BYTES ? room : LIMIT_RAFT_FRAME_BYTES);
    *out_urgent = frame->size == small;
    if (!wanted && frame->size == empty) {
        return false;
    }
    put_commits(raft, pair, frame);
    check(!frame->overflowed && frame->size <= LIMIT_RAFT_FRAME_BYTES);
    note_frame_sent(raft, pair, &header, frame->size);
    return true;
}

bool raft_take_frame(struct raft *raft, node_id *out_to, bool *out_urgent, struct buffer *frame) {
    for (uint32_t i = 0; i < raft->pair_count; i++) {
        struct pair *pair = raft->pairs[raft->pair_turn];
        raft->pair_turn = (raft->pair_turn + 1) % raft->pair_count;
        if (!pair->gone && make_frame(raft, pair, out_urgent, frame)) {
            *out_to = pair->node;
            return true;
        }
    }
    raft->due = raft_next_wakeup(raft);
    return false;
}

// --- receiving -----------------------------------------------------------------------------------

// Its process began anew: it leads nothing and holds nothing, and what was not durable there is
// gone.
static void reborn(struct raft *raft, struct pair *pair, uint64_t incarnation) {
    bool first = pair->incarnation == 0;
    pair->incarnation = incarnation;
    pair->list_version = 0;
    pair->refused_count = 0;
    pair->sequence_seen = 0;
    pair->round_seen = 0;
    pair->echo = 0;
    pair->held_version = 0;
    for (uint32_t i = 0; i < raft->group_count; i++) {
        struct replica *replica = &raft->replicas[i];
        if (replica->listed_by == pair->node) {
            pair_unlist(raft, replica);
        }
        if (first) {
            continue;
        }
        struct follower *follower = replica_follower(replica, pair->node);
        if (follower != NULL) {
            follower->match_sequence = 0;
            follower->part_acked = 0;
        }
        if (replica->role == RAFT_LEADER && follower != NULL) {
            lead_lost(raft, replica, follower);
        } else if (replica->configured && replica->leader == pair->node) {
            election_follow(raft, replica, replica->term, 0);
            election_hasten(raft, replica);
        }
    }
}

// Heard again after a silence: what was kept back is sent.
static void awake(struct raft *raft, struct pair *pair) {
    for (uint32_t i = 0; i < raft->group_count; i++) {
        struct replica *replica = &raft->replicas[i];
        struct follower *follower = replica_follower(replica, pair->node);
        if (follower != NULL && replica->role == RAFT_LEADER) {
            lead_lost(raft, replica, follower);
        }
    }
}

// Groups it does not follow us in: an append tells it who leads, or us that we no longer do.
static void
take_exceptions(struct raft *raft, struct pair *pair, const struct frame_header *header) {
    for (uint32_t i = 0; i < header->exception_count; i++) {
        struct replica *replica = raft_replica(raft, header->exceptions[i]);
        struct follower *follower = replica == NULL ? NULL : replica_follower(replica, pair->node);
        if (follower != NULL && replica->role == RAFT_LEADER) {
            follower->excepted_by = pair->snapshot;
            if (mono_passed(raft, follower->sent, LIMIT_RAFT_ASK_MS)) {
                follower->probe_owed = true;
                lead_queue(raft, replica, follower);
            }
        }
    }
}

// A header stands as a whole: an echo counts only with the list and exceptions it came with.
static void
take_statement(struct raft *raft, struct pair *pair, const struct frame_header *header) {
    pair->snapshot++;
    pair->echo = header->echo;
    pair->held_version = header->held_version;
    take_exceptions(raft, pair, header);
    for (uint32_t i = 0; i < RAFT_SAMPLES; i++) {
        const struct sample *sample = &pair->samples[i];
        if (sample->round != 0 && sample->round <= header->echo) {
            pair->confirmed = later(pair->confirmed, sample->at);
        }
    }
    read_count_all(raft, pair);
}

MUST_USE static err
take_header(struct raft *raft, struct pair *pair, const struct frame_header *header) {
    if (header->to_incarnation != 0 &&
        (header->echo > raft->round || header->held_version > pair->lead_version)) {
        return err_make(ERR_INVALID, "a frame that echoes what was never said");
    }
    bool was_silent = pair_is_silent(raft, pair);
    pair->heard = raft->now;
    pair->closed = false;
    pair->store = header->store;
    if (header->incarnation > pair->incarnation) {
        reborn(raft, pair, header->incarnation);
    }
    if (was_silent) {
        awake(raft, pair);
    }
    pair->answer_owed = pair->answer_owed || header->asks;
    if (header->lead_version == pair->list_version && pair->list_version != 0) {
        pair->heard_held = raft->now;
    }
    pair->sequence = header->sequence;
    if (header->round > pair->round_seen) {
        pair->round_seen = header->round;
    }
    if (header->sequence > pair->sequence_seen) {
        pair->sequence_seen = header->sequence;
        if (header->to_incarnation != 0) {
            take_statement(raft, pair, header);
        }
    }
    return ERR_NONE;
}

MUST_USE static err take_message(
    struct raft *raft,
    struct pair *pair,
    const struct frame_header *header,
    const struct message *message
) {
    if (message->kind == MESSAGE_LIST) {
        return list_take(raft, pair, header, message);
    }
    struct replica *replica = heed_message(raft, pair, message);
    if (replica == NULL) {
        raft->stats.messages_refused++;
        return ERR_NONE; // the others of the frame are not to suffer for it
    }
    switch (message->kind) {
    case MESSAGE_STALE:
    case MESSAGE_PRE_VOTE:
    case MESSAGE_PRE_VOTE_REPLY:
    case MESSAGE_VOTE:
    case MESSAGE_VOTE_REPLY:
    case MESSAGE_TIMEOUT_NOW:
        return election_receive(raft, replica, pair, message);
    case MESSAGE_APPEND:
    case MESSAGE_PART:
    case MESSAGE_COMMIT:
    case MESSAGE_INSTALL:
    case MESSAGE_CHUNK:
    case MESSAGE_INSTALL_END:
        return follow_receive(raft, replica, pair, message);
    case MESSAGE_ACK:
    case MESSAGE_REJECT:
    case MESSAGE_PART_ACK:
    case MESSAGE_INSTALL_ACK:
        return lead_receive(raft, replica, pair, message);
    case MESSAGE_REMOVED:
        heed_removed(raft, replica, message);
        return ERR_NONE;
    case MESSAGE_ASK: // an answer was owed to who is no member only
        return ERR_NONE;
    case MESSAGE_NONE:
    case MESSAGE_LIST:
    case MESSAGE_KIND_COUNT:
        break;
    }
    return err_make(ERR_INVALID, "a message of a frame is of no known kind");
}

static err take_frame(struct raft *raft, struct pair *pair, bytes frame, bool *out_is_old) {
    struct frame_header header;
    TRY(message_take_header(&frame, &header));
    bool is_to_former = header.to_incarnation != 0 && header.to_incarnation != raft->incarnation;
    *out_is_old = header.incarnation < pair->incarnation || is_to_former;
    if (header.incarnation < pair->incarnation) {
        return ERR_NONE;
    }
    if (is_to_former) {
        // Two that both began anew must learn it of each other from such a frame.
        if (header.incarnation > pair->incarnation) {
            reborn(raft, pair, header.incarnation);
        }
        pair->answer_owed = true;
        return ERR_NONE;
    }
    TRY(take_header(raft, pair, &header));
    while (frame.size > 0) {
        struct message message;
        TRY(message_take(&frame, &message));
        raft->stats.messages_received++;
        TRY(take_message(raft, pair, &header, &message));
    }
    return ERR_NONE;
}

err raft_receive(struct raft *raft, node_id from, bytes frame) {
    struct pair *pair = raft_pair(raft, from);
    if (pair == NULL || pair->gone || frame.size > LIMIT_RAFT_FRAME_BYTES) {
        raft->stats.frames_refused++;
        return err_make(ERR_INVALID, "a frame of no peer, or over the bound");
    }
    bool is_old = false;
    err error = take_frame(raft, pair, frame, &is_old);
    change_take_steps(raft);
    raft->stats.frames_received++;
    if (err_is(error) || is_old) {
        raft->stats.frames_refused++;
    }
    return error;
}
