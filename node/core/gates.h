// Effects held until what they depend on is committed, group by group (distributed.md §1, §5, §6).
//
// An answer depends on the entries it read or wrote, and a read also on proof that this node still
// led when the request came. A group that cannot commit holds back its own answers, never another
// group's. When leadership of a group ends, what waited for it is lost: whether it was done is not
// known here, so the effect comes back by gates_take_lost instead of leaving. Thread: core.
#pragma once

#include "node/core/effect.h"
#include "storage/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// One condition. The zero value is an open gate.
struct gate {
    log_index index;     // committed up to here; 0: nothing to wait for
    uint64_t read_round; // leadership confirmed by this round or a later one; 0: needs no proof
    uint64_t tenure; // when `index` was proposed (gates_tenure), for who holds only later; 0: now
    group_id group;
    bool read;    // needs proof of leadership: node_answer begins a round
    bool all;     // instead of the above: all that this node has proposed, every group it leads
    bool catalog; // a change of definitions: other nodes shall have it, too
};

struct gates;

struct gates *gates_create(uint32_t group_count);
void gates_destroy(struct gates **gates);

// Holds an effect until all of `wanted` are met; takes over its body. With nothing to wait for it
// is ready at once.
void gates_hold(
    struct gates *gates,
    const struct node_effect *effect,
    const struct gate *wanted,
    size_t wanted_count
);

// The group is committed up to `index`.
void gates_committed(struct gates *gates, group_id group, log_index index);

// Leadership of the group was confirmed by `round`.
void gates_read_confirmed(struct gates *gates, group_id group, uint64_t round);

// The present time of leading the group, or of not leading it: another one after each loss. Never
// 0.
uint64_t gates_tenure(const struct gates *gates, group_id group);

// Leadership of the group ended: effects that still wait for it are lost. Commits and rounds count
// from the start again.
void gates_lost(struct gates *gates, group_id group);

// Effects whose conditions are met, in the order they were met. The caller owns the body then.
bool gates_take_ready(struct gates *gates, struct node_effect *out_effect);
bool gates_take_lost(struct gates *gates, struct node_effect *out_effect);

// Effects still held.
size_t gates_held(const struct gates *gates);
