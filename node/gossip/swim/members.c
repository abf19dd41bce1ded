// What is believed of a member is ordered: a later process before an earlier one, then the later
// refutation, then the worse state. So news may come in any order, twice or never, and all nodes
// end with the same belief. Only the member itself raises its refutation, only its start its
// incarnation.
#include "node/gossip/swim/swim_internal.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"

#include <string.h>

enum {
    RIDES_FACTOR = 3, // of log2(N): SWIM's λ
    SUSPICION_MS = 4000,
};

uint32_t swim_find(const struct swim *swim, uint32_t node) {
    for (uint32_t at = 0; at < swim->count; at++) {
        if (swim->members[at].node == node) {
            return at;
        }
    }
    return SWIM_NONE;
}

// 4·log10(N+1) s, by the bits of N+1 and a straight line between them: log10(x) = log2(x) ·
// 0.30103.
static uint32_t suspicion_ms(const struct swim *swim) {
    uint32_t value = (uint32_t)swim->count + 1;
    uint32_t whole = 0;
    while (value >> (whole + 1) != 0) {
        whole++;
    }
    uint32_t rest = ((value << 10 >> whole) - 1024) * 1000 / 1024; // thousandths
    return (whole * 1000 + rest) * 301 / 1000 * SUSPICION_MS / 1000;
}

static uint32_t rides(const struct swim *swim) {
    uint32_t bits = 1;
    while (swim->count >> bits != 0) {
        bits++;
    }
    return RIDES_FACTOR * bits;
}

void swim_spread_state(struct swim *swim, struct member *member) {
    member->state_rides = rides(swim);
}

void swim_spread_says(struct swim *swim, struct member *member) {
    member->says_rides = rides(swim);
}

static void believe(
    struct swim *swim,
    struct member *member,
    enum swim_state state,
    uint64_t incarnation,
    uint32_t refutation
) {
    if (state == SWIM_SUSPECT && member->state != SWIM_SUSPECT) {
        swim->counters.suspicions++;
        member->suspected_until.ns = swim->now.ns + (int64_t)suspicion_ms(swim) * 1000 * 1000;
    }
    if (state == SWIM_DEAD && member->state != SWIM_DEAD) {
        swim->counters.deaths++;
    }
    if (incarnation != member->incarnation) {
        // Another process: what the one before said is void.
        member->revision = 0;
        member->told_revision = 0;
    }
    bool newly_suspected = state == SWIM_SUSPECT && member->state != SWIM_SUSPECT;
    member->state = state;
    member->incarnation = incarnation;
    member->refutation = refutation;
    swim_spread_state(swim, member);
    if (newly_suspected) {
        // It hears of it from everybody who believes it, and its answer carries the refutation.
        swim_put(swim, &(struct outgoing){.to = member->node, .kind = SWIM_PING});
    }
}

// Says that this process lives, louder than whoever says otherwise.
static void refute(struct swim *swim, uint32_t refutation) {
    struct member *self = &swim->members[swim->self];
    if (self->state == SWIM_LEFT || mutant_is("swim_never_refutes")) {
        return;
    }
    swim->counters.refutations++;
    swim->health += swim->health + 1 < LIMIT_GOSSIP_HEALTH ? 1 : 0;
    self->refutation = refutation + 1;
    swim_spread_state(swim, self);
}

static size_t keep(uint8_t *to, bytes from) {
    if (from.size > 0) {
        memcpy(to, from.data, from.size);
    }
    return from.size;
}

bool swim_add(struct swim *swim, uint32_t node_id, bytes address) {
    uint32_t at = swim_find(swim, node_id);
    check(address.size <= LIMIT_GOSSIP_ADDRESS_BYTES);
    if (at == SWIM_NONE && swim->count == LIMIT_NODES) {
        return false;
    }
    if (at == SWIM_NONE) {
        at = (uint32_t)swim->count++;
        swim->members[at] = (struct member){.node = node_id};
    }
    if (swim->members[at].revision == 0) {
        swim->members[at].address_size = keep(swim->members[at].address, address);
    }
    return true;
}

// An index after one member is gone.
static uint32_t index_without(uint32_t index, uint32_t gone) {
    return index == gone ? SWIM_NONE : index != SWIM_NONE && index > gone ? index - 1 : index;
}

void swim_remove(struct swim *swim, uint32_t node_id) {
    uint32_t gone = swim_find(swim, node_id);
    if (gone == SWIM_NONE || gone == swim->self) {
        return;
    }
    swim->count--;
    memmove(
        &swim->members[gone],
        &swim->members[gone + 1],
        (swim->count - gone) * sizeof(swim->members[0])
    );
    swim->self = index_without(swim->self, gone);
    swim->probed = index_without(swim->probed, gone);
    swim->round_at = 0;
    swim->round_count = 0; // shuffled anew
}

bool swim_meet(struct swim *swim, uint32_t node, uint64_t incarnation) {
    uint32_t at = swim_find(swim, node);
    if (at == SWIM_NONE || at == swim->self) {
        return false;
    }
    struct member *member = &swim->members[at];
    if (incarnation < member->incarnation && !mutant_is("swim_old_process_heard")) {
        swim->counters.datagrams_old++;
        return false;
    }
    if (incarnation > member->incarnation) {
        believe(swim, member, SWIM_ALIVE, incarnation, 0);
    }
    if (member->revision == 0) {
        // It is there, and nothing is known of it.
        swim_put(swim, &(struct outgoing){.to = node, .kind = SWIM_SYNC});
    }
    swim->met_anybody = true;
    return true;
}

void swim_suspect(struct swim *swim, struct member *member) {
    if (member->state == SWIM_ALIVE) {
        believe(swim, member, SWIM_SUSPECT, member->incarnation, member->refutation);
    }
}

void swim_bury_overdue(struct swim *swim) {
    for (size_t at = 0; at < swim->count; at++) {
        struct member *member = &swim->members[at];
        if (member->state == SWIM_SUSPECT && swim->now.ns >= member->suspected_until.ns) {
            believe(swim, member, SWIM_DEAD, member->incarnation, member->refutation);
        }
    }
}

static void learn_of_self(struct swim *swim, const struct swim_news *news) {
    const struct member *self = &swim->members[swim->self];
    if (news->incarnation > self->incarnation) {
        swim->counters.outdated++;
    } else if (news->incarnation == self->incarnation && news->state != SWIM_ALIVE && news->refutation >= self->refutation) {
        refute(swim, news->refutation);
    }
}

static void
learn_what_it_says(struct swim *swim, struct member *member, const struct swim_news *news) {
    if (news->incarnation != member->incarnation || news->revision <= member->revision) {
        return;
    }
    member->revision = news->revision;
    member->release_low = news->release_low;
    member->release_high = news->release_high;
    member->load = news->load;
    member->address_size = keep(member->address, news->address);
    member->release_size = keep(member->release, news->release);
    member->hints_size = keep(member->hints, news->hints);
    swim_spread_says(swim, member);
}

// Whether the news is later, or as late and worse.
static bool is_newer(const struct swim_news *news, const struct member *member) {
    if (news->incarnation != member->incarnation) {
        return news->incarnation > member->incarnation;
    }
    if (news->refutation != member->refutation) {
        return news->refutation > member->refutation;
    }
    return news->state > (uint8_t)member->state || mutant_is("swim_last_word_counts");
}

void swim_learn(struct swim *swim, const struct swim_news *news) {
    uint32_t at = swim_find(swim, news->node);
    if (at == swim->self) {
        learn_of_self(swim, news);
        return;
    }
    if (at == SWIM_NONE) {
        return; // of who is no member here, not yet or no more
    }
    struct member *member = &swim->members[at];
    if (is_newer(news, member)) {
        believe(swim, member, (enum swim_state)news->state, news->incarnation, news->refutation);
    }
    learn_what_it_says(swim, member, news);
}
