// What the files of swim share.
#pragma once

#include "node/gossip/swim/datagram.h"
#include "node/gossip/swim/swim.h"
#include "proto/base/random.h"
#include "proto/limits.h"

enum {
    SWIM_NONE = LIMIT_NODES // in place of a member's index
};

struct member {
    uint32_t node;
    enum swim_state state;
    uint64_t incarnation;
    uint32_t refutation;
    uint64_t revision;
    uint16_t release_low;
    uint16_t release_high;
    uint32_t load;
    size_t address_size;
    size_t release_size;
    size_t hints_size;
    uint8_t address[LIMIT_GOSSIP_ADDRESS_BYTES];
    uint8_t release[LIMIT_PEER_RELEASE_BYTES];
    uint8_t hints[LIMIT_GOSSIP_HINTS_BYTES];
    mono_time suspected_until;
    uint32_t state_rides; // how often its state is still to ride along
    uint32_t says_rides;  // … and what it says
    enum swim_state told_state;
    uint64_t told_incarnation;
    uint64_t told_revision;
};

// A datagram to be sent; what rides along is chosen when it leaves.
struct outgoing {
    uint32_t to;
    enum swim_kind kind;
    uint32_t number;
    uint32_t target;
    size_t everything_from; // of a SYNC or NEWS: the first member it tells of
};

// A probe for somebody else: who asked, and by which number.
struct relay {
    uint32_t number; // ours; 0: free
    uint32_t origin;
    uint32_t origin_number;
    uint32_t target;
};

struct swim {
    uint32_t self; // index
    struct random random;
    struct arena *arena; // of one datagram
    mono_time now;
    struct swim_counters counters;

    size_t count;
    struct member members[LIMIT_NODES];

    // The probe of this period.
    uint32_t probed; // index, or SWIM_NONE
    uint32_t probe_number;
    mono_time asks_others_at;
    bool others_asked;
    bool answered;
    mono_time period_ends;
    uint32_t health;             // 0: well
    uint32_t round[LIMIT_NODES]; // indices in the order they are probed
    size_t round_at;
    size_t round_count;

    mono_time sync_at;
    bool met_anybody;
    uint32_t numbers;
    struct relay relays[LIMIT_GOSSIP_RELAYS];
    size_t relay_next;

    struct outgoing stranger; // the newest PING of who is no member, as its answer; to 0: none
    uint32_t gone_by;         // who said that this node is none; 0: nobody

    struct outgoing outbox[LIMIT_GOSSIP_OUTBOX];
    size_t outbox_first;
    size_t outbox_count;
};

// --- swim.c
void swim_put(struct swim *swim, const struct outgoing *outgoing);
uint32_t swim_patience_ms(const struct swim *swim, uint32_t ms);

// --- members.c: what is believed of each
uint32_t swim_find(const struct swim *swim, uint32_t node);
// A datagram of that process came: it is there. False: it is of an earlier process.
bool swim_meet(struct swim *swim, uint32_t node, uint64_t incarnation);
void swim_suspect(struct swim *swim, struct member *member);
void swim_bury_overdue(struct swim *swim);
void swim_learn(struct swim *swim, const struct swim_news *news);
// Lets the state, or what is said, of a member ride along as often as it takes to reach all.
void swim_spread_state(struct swim *swim, struct member *member);
void swim_spread_says(struct swim *swim, struct member *member);

// --- news.c: writes a datagram with what rides along
void swim_write(struct swim *swim, const struct outgoing *outgoing, struct buffer *out);
