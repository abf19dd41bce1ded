// The clock of SWIM: one probe a period, others asked half-way, suspicion at its end; an exchange
// of everything now and then, which is also what finds a cluster at the start and mends a
// partition.
//
// Members are probed in a shuffled round, so that each is probed within two rounds of a bounded
// time. The dead are not probed; one of them is told everything at each exchange, in case it lives.
#include "node/gossip/swim/swim_internal.h"
#include "proto/base/check.h"

#include <stdlib.h>
#include <string.h>

enum {
    ARENA_BYTES = 4 * 1024,
    NS_PER_MS = 1000 * 1000,
};

const char *swim_state_name(enum swim_state state) {
    static const char *const NAMES[] = {
#define SWIM_STATE_NAME(name, word) word,
        SWIM_STATES(SWIM_STATE_NAME)
#undef SWIM_STATE_NAME
    };
    return NAMES[state];
}

static void say_who_we_are(struct swim *swim, const struct swim_options *options) {
    struct member *self = &swim->members[swim->self];
    check(options->release.size <= LIMIT_PEER_RELEASE_BYTES);
    self->state = SWIM_ALIVE;
    self->incarnation = options->incarnation;
    self->release_low = options->release_low;
    self->release_high = options->release_high;
    self->release_size = options->release.size;
    if (options->release.size > 0) {
        memcpy(self->release, options->release.data, options->release.size);
    }
    self->revision = 1;
    swim_spread_state(swim, self);
    swim_spread_says(swim, self);
}

struct swim *swim_create(const struct swim_options *options, mono_time now) {
    check(options->member_count <= LIMIT_NODES && options->incarnation > 0);
    struct swim *swim = calloc(1, sizeof(*swim));
    check(swim != NULL);
    swim->arena = arena_create(ARENA_BYTES);
    swim->now = now;
    swim->probed = SWIM_NONE;
    swim->period_ends = now;
    swim->sync_at = now;
    random_init(&swim->random, options->random_seed);
    for (size_t at = 0; at < options->member_count; at++) {
        struct member *member = &swim->members[swim->count++];
        member->node = options->members[at].node_id;
        member->address_size = strlen(options->members[at].address);
        check(member->address_size <= LIMIT_GOSSIP_ADDRESS_BYTES);
        memcpy(member->address, options->members[at].address, member->address_size);
    }
    swim->self = swim_find(swim, options->self_id);
    check(swim->self != SWIM_NONE);
    say_who_we_are(swim, options);
    return swim;
}

void swim_destroy(struct swim **swim) {
    if (*swim != NULL) {
        arena_destroy(&(*swim)->arena);
        free(*swim);
        *swim = NULL;
    }
}

uint32_t swim_patience(const struct swim *swim) {
    return swim->health + 1;
}

static mono_time after(const struct swim *swim, uint32_t ms) {
    return (mono_time){swim->now.ns + (int64_t)ms * NS_PER_MS};
}

// --- what leaves

void swim_put(struct swim *swim, const struct outgoing *outgoing) {
    for (size_t at = 0; at < swim->outbox_count; at++) {
        const struct outgoing *other =
            &swim->outbox[(swim->outbox_first + at) % LIMIT_GOSSIP_OUTBOX];
        if (outgoing->kind == SWIM_SYNC && other->kind == SWIM_SYNC && other->to == outgoing->to) {
            return; // once is enough
        }
    }
    if (swim->outbox_count == LIMIT_GOSSIP_OUTBOX) {
        swim->outbox_first = (swim->outbox_first + 1) % LIMIT_GOSSIP_OUTBOX;
        swim->outbox_count--;
    }
    swim->outbox[(swim->outbox_first + swim->outbox_count++) % LIMIT_GOSSIP_OUTBOX] = *outgoing;
}

bool swim_next_datagram(struct swim *swim, uint32_t *out_to, struct buffer *out) {
    if (swim->outbox_count == 0) {
        return false;
    }
    struct outgoing outgoing = swim->outbox[swim->outbox_first];
    swim->outbox_first = (swim->outbox_first + 1) % LIMIT_GOSSIP_OUTBOX;
    swim->outbox_count--;
    swim_write(swim, &outgoing, out);
    swim->counters.datagrams_sent++;
    *out_to = outgoing.to;
    return true;
}

// --- what time brings

// A random member in one of the two states that is not this node nor `but`, or SWIM_NONE.
static uint32_t
pick(struct swim *swim, enum swim_state state, enum swim_state or_state, const uint64_t *but) {
    uint32_t found = SWIM_NONE;
    uint64_t seen = 0;
    for (uint32_t at = 0; at < swim->count; at++) {
        enum swim_state is = swim->members[at].state;
        if (at != swim->self && (is == state || is == or_state) && (*but >> at & 1) == 0 &&
            random_below(&swim->random, ++seen) == 0) {
            found = at;
        }
    }
    return found;
}

static bool is_probed(const struct swim *swim, uint32_t at) {
    return at != swim->self && swim->members[at].state <= SWIM_SUSPECT;
}

static void shuffle_round(struct swim *swim) {
    swim->round_at = 0;
    swim->round_count = swim->count;
    for (uint32_t at = 0; at < swim->count; at++) {
        size_t other = (size_t)random_below(&swim->random, (uint64_t)at + 1);
        swim->round[at] = swim->round[other];
        swim->round[other] = at;
    }
}

static uint32_t next_of_round(struct swim *swim) {
    for (size_t step = 0; step <= swim->count; step++) {
        if (swim->round_at == swim->round_count) {
            shuffle_round(swim);
        }
        uint32_t at = swim->round[swim->round_at++];
        if (is_probed(swim, at)) {
            return at;
        }
    }
    return SWIM_NONE;
}

static uint32_t next_number(struct swim *swim) {
    swim->numbers += swim->numbers + 1 == 0 ? 2 : 1;
    return swim->numbers;
}

static void begin_probe(struct swim *swim) {
    swim->probed = next_of_round(swim);
    swim->answered = false;
    swim->others_asked = false;
    swim->asks_others_at = after(swim, LIMIT_GOSSIP_ANSWER_MS * swim_patience(swim));
    swim->period_ends = after(swim, LIMIT_GOSSIP_PROBE_MS * swim_patience(swim));
    if (swim->probed == SWIM_NONE) {
        return;
    }
    swim->probe_number = next_number(swim);
    swim->counters.probes++;
    swim_put(
        swim,
        &(struct outgoing){
            .to = swim->members[swim->probed].node,
            .kind = SWIM_PING,
            .number = swim->probe_number,
        }
    );
}

static void ask_others(struct swim *swim) {
    uint64_t but = UINT64_C(1) << swim->probed;
    swim->others_asked = true;
    for (int count = 0; count < LIMIT_GOSSIP_INDIRECT; count++) {
        uint32_t at = pick(swim, SWIM_ALIVE, SWIM_ALIVE, &but);
        if (at == SWIM_NONE) {
            return;
        }
        but |= UINT64_C(1) << at;
        swim_put(
            swim,
            &(struct outgoing){
                .to = swim->members[at].node,
                .kind = SWIM_PING_FOR,
                .number = swim->probe_number,
                .target = swim->members[swim->probed].node,
            }
        );
    }
}

static void end_probe(struct swim *swim) {
    if (swim->probed == SWIM_NONE) {
        return;
    }
    struct member *member = &swim->members[swim->probed];
    if (swim->answered) {
        swim->health -= swim->health > 0;
    } else if (member->state == SWIM_ALIVE) {
        swim->counters.probes_failed++;
        swim->health += swim->health + 1 < LIMIT_GOSSIP_HEALTH ? 1 : 0;
        swim_suspect(swim, member);
    }
    swim->probed = SWIM_NONE;
}

static void exchange(struct swim *swim) {
    const uint64_t nobody = 0;
    // Alone: everybody who was configured, until one answers.
    uint32_t ms = swim->met_anybody ? LIMIT_GOSSIP_SYNC_MS : LIMIT_GOSSIP_PROBE_MS;
    uint32_t living = pick(swim, SWIM_ALIVE, SWIM_SUSPECT, &nobody);
    uint32_t gone = pick(swim, SWIM_DEAD, SWIM_UNKNOWN, &nobody);
    swim->sync_at = after(swim, ms + (uint32_t)random_below(&swim->random, ms / 10));
    if (living != SWIM_NONE) {
        swim_put(swim, &(struct outgoing){.to = swim->members[living].node, .kind = SWIM_SYNC});
    }
    if (gone != SWIM_NONE) {
        swim_put(swim, &(struct outgoing){.to = swim->members[gone].node, .kind = SWIM_SYNC});
    }
}

void swim_tick(struct swim *swim, mono_time now) {
    swim->now = now;
    swim_bury_overdue(swim);
    if (now.ns >= swim->period_ends.ns) {
        end_probe(swim);
        begin_probe(swim);
    } else if (
        swim->probed != SWIM_NONE && !swim->answered && !swim->others_asked &&
        now.ns >= swim->asks_others_at.ns
    ) {
        ask_others(swim);
    }
    if (now.ns >= swim->sync_at.ns) {
        exchange(swim);
    }
}

mono_time swim_next_wakeup(const struct swim *swim) {
    mono_time first = swim->period_ends.ns < swim->sync_at.ns ? swim->period_ends : swim->sync_at;
    if (swim->outbox_count > 0) {
        return swim->now;
    }
    if (swim->probed != SWIM_NONE && !swim->answered && !swim->others_asked &&
        swim->asks_others_at.ns < first.ns) {
        first = swim->asks_others_at;
    }
    for (size_t at = 0; at < swim->count; at++) {
        const struct member *member = &swim->members[at];
        if (member->state == SWIM_SUSPECT && member->suspected_until.ns < first.ns) {
            first = member->suspected_until;
        }
    }
    return first;
}

// --- what arrives

static void answer_ping_for(struct swim *swim, const struct swim_datagram *datagram) {
    uint32_t target = swim_find(swim, datagram->target);
    if (target == SWIM_NONE || target == swim->self) {
        return;
    }
    struct relay *relay = &swim->relays[swim->relay_next++ % LIMIT_GOSSIP_RELAYS];
    *relay = (struct relay){
        .number = next_number(swim),
        .origin = datagram->from,
        .origin_number = datagram->number,
        .target = datagram->target,
    };
    swim_put(
        swim, &(struct outgoing){.to = datagram->target, .kind = SWIM_PING, .number = relay->number}
    );
}

static void take_ack(struct swim *swim, const struct swim_datagram *datagram) {
    if (swim->probed != SWIM_NONE && datagram->number == swim->probe_number &&
        (datagram->from == swim->members[swim->probed].node ||
         datagram->target == swim->members[swim->probed].node)) {
        swim->answered = true;
        return;
    }
    for (size_t at = 0; at < LIMIT_GOSSIP_RELAYS; at++) {
        struct relay *relay = &swim->relays[at];
        if (relay->number != 0 && relay->number == datagram->number &&
            relay->target == datagram->from) {
            swim_put(
                swim,
                &(struct outgoing){
                    .to = relay->origin,
                    .kind = SWIM_ACK,
                    .number = relay->origin_number,
                    .target = relay->target,
                }
            );
            relay->number = 0;
            return;
        }
    }
}

static void learn_all(struct swim *swim, const struct wire_text_list *list) {
    for (uint32_t at = 0; at < list->count; at++) {
        struct swim_news news;
        if (err_is(swim_news_decode(list->items[at], swim->arena, &news))) {
            swim->counters.datagrams_refused++;
            return;
        }
        swim_learn(swim, &news);
    }
}

static void note_stranger(struct swim *swim, const struct swim_datagram *datagram) {
    if (datagram->kind == SWIM_PING) {
        swim->stranger = (struct outgoing){
            .to = datagram->from,
            .kind = SWIM_GONE,
            .number = datagram->number,
            .target = datagram->from,
        };
    }
}

// Only what answers the present probe of the one who says it: nothing kept from an earlier cluster.
static void take_gone(struct swim *swim, const struct swim_datagram *datagram) {
    if (datagram->target == swim->members[swim->self].node && swim->probed != SWIM_NONE &&
        datagram->number == swim->probe_number &&
        datagram->from == swim->members[swim->probed].node) {
        swim->gone_by = datagram->from;
    }
}

bool swim_next_stranger(const struct swim *swim, uint32_t *out_node) {
    *out_node = swim->stranger.to;
    return swim->stranger.to != 0;
}

void swim_answer_stranger(struct swim *swim, bool has_left) {
    if (has_left && swim->stranger.to != 0) {
        swim_put(swim, &swim->stranger);
    }
    swim->stranger = (struct outgoing){0};
}

uint32_t swim_gone_by(const struct swim *swim) {
    return swim->gone_by;
}

err swim_receive(struct swim *swim, mono_time now, bytes datagram_bytes, uint32_t *out_from) {
    struct swim_datagram datagram;
    swim->now = now;
    arena_reset(swim->arena);
    err error = swim_datagram_decode(datagram_bytes, swim->arena, &datagram);
    if (err_is(error)) {
        swim->counters.datagrams_refused++;
        return err_make(error.code, "not a datagram of gossip");
    }
    *out_from = datagram.from;
    if (swim_find(swim, datagram.from) == SWIM_NONE) {
        swim->counters.datagrams_strange++;
        note_stranger(swim, &datagram);
        return ERR_NONE;
    }
    // News first: it may say more of the sender than that it is there.
    learn_all(swim, &datagram.news);
    if (!swim_meet(swim, datagram.from, datagram.incarnation)) {
        return ERR_NONE;
    }
    swim->counters.datagrams_received++;
    switch ((enum swim_kind)datagram.kind) {
    case SWIM_PING:
        swim_put(
            swim,
            &(struct outgoing){.to = datagram.from, .kind = SWIM_ACK, .number = datagram.number}
        );
        break;
    case SWIM_ACK:
        take_ack(swim, &datagram);
        break;
    case SWIM_PING_FOR:
        answer_ping_for(swim, &datagram);
        break;
    case SWIM_SYNC:
        swim_put(swim, &(struct outgoing){.to = datagram.from, .kind = SWIM_NEWS});
        break;
    case SWIM_GONE:
        take_gone(swim, &datagram);
        break;
    case SWIM_NEWS:
    case SWIM_KIND_END:
        break;
    }
    return ERR_NONE;
}

void swim_note_heard(struct swim *swim, uint32_t node) {
    if (swim->probed != SWIM_NONE && swim->members[swim->probed].node == node) {
        swim->answered = true;
    }
}

// --- what is told

static void show(const struct member *member, struct swim_member *out_member) {
    *out_member = (struct swim_member){
        .node = member->node,
        .state = member->state,
        .incarnation = member->incarnation,
        .refutation = member->refutation,
        .revision = member->revision,
        .address = bytes_of(member->address, member->address_size),
        .release_low = member->release_low,
        .release_high = member->release_high,
        .release = bytes_of(member->release, member->release_size),
        .load = member->load,
        .hints = bytes_of(member->hints, member->hints_size),
    };
}

bool swim_member_at(const struct swim *swim, size_t index, struct swim_member *out_member) {
    if (index >= swim->count) {
        return false;
    }
    show(&swim->members[index], out_member);
    return true;
}

bool swim_next_change(struct swim *swim, struct swim_member *out_member) {
    for (size_t at = 0; at < swim->count; at++) {
        struct member *member = &swim->members[at];
        if (at != swim->self && (member->state != member->told_state ||
                                 member->incarnation != member->told_incarnation ||
                                 member->revision != member->told_revision)) {
            member->told_state = member->state;
            member->told_incarnation = member->incarnation;
            member->told_revision = member->revision;
            show(member, out_member);
            return true;
        }
    }
    return false;
}

void swim_say(struct swim *swim, uint32_t load, bytes hints) {
    struct member *self = &swim->members[swim->self];
    check(hints.size <= LIMIT_GOSSIP_HINTS_BYTES);
    self->load = load;
    self->hints_size = hints.size;
    if (hints.size > 0) {
        memcpy(self->hints, hints.data, hints.size);
    }
    self->revision++;
    swim_spread_says(swim, self);
}

void swim_leave(struct swim *swim) {
    struct member *self = &swim->members[swim->self];
    self->state = SWIM_LEFT;
    self->refutation++;
    swim_spread_state(swim, self);
}

const struct swim_counters *swim_counters(const struct swim *swim) {
    return &swim->counters;
}
