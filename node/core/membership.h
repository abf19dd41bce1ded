// What the system group's leader does about members (distributed.md §12): writes the first rows,
// lets in who asks, finds who came, who is gone for long, who has given everything away. Each is an
// entry of the system group, so only its leader can, and another one goes on where it stopped.
// Thread: core.
#pragma once

#include "node/core/peer_message.h"
#include "node/core/system_table.h"

struct node;
struct node_options;
struct node_peer;

void membership_create(struct node *node, const struct node_options *options);

// This node came to lead the system group: what it saw of others before does not count.
void membership_lead(struct node *node);

// Something about members changed: they are looked at in this turn.
void membership_touched(struct node *node);

// What a node's configuration says of it.
void membership_facts_told(
    struct node *node, struct node_peer *peer, const struct peer_report *report
);

void membership_pump(struct node *node);
bool membership_next_wakeup(const struct node *node, mono_time *out_at);

// --- what is asked of it: admission.c
// ------------------------------------------------------------
//
// Errors: ERR_NOT_FOUND (no such member), ERR_CONFLICT (with what would make it possible).

// A node that wants to become a member, or is one already and asks again.
struct membership_wish {
    bytes address;
    bytes api_address;
    bytes zone;
    uint32_t weight;
    id128 store_id;
    uint16_t release_low;
    uint16_t release_high;
};

// Gives it an id, always the same one for the same store. Errors: ERR_CONFLICT (another member has
// the address, it has left, no room for more, or a release that cannot be talked to).
MUST_USE err membership_add(
    struct node *node,
    struct decision *decision,
    const struct membership_wish *wish,
    node_id *out_id
);

// It gives everything away, leaders first, so that no request fails; it stays a member without
// copies. Refused when copies or zones could not be kept, unless forced.
MUST_USE err
membership_drain(struct node *node, struct decision *decision, node_id id, bool forced);

// It gets its share again, and stays.
MUST_USE err membership_cancel_drain(struct node *node, struct decision *decision, node_id id);

// As membership_drain, and it is no member any more once nothing is on it. For one that is out of
// reach, too: nothing is waited for from it. `*out_state`: MEMBER_LEFT when it had left before and
// nothing is changed, else MEMBER_DRAINING.
MUST_USE err membership_remove(
    struct node *node,
    struct decision *decision,
    node_id id,
    bool forced,
    enum member_state *out_state
);

// `id` takes the place of `gone`, replica by replica. Nothing is changed when `gone` has left.
MUST_USE err
membership_replace(struct node *node, struct decision *decision, node_id id, node_id gone);

// One replica of a partition goes to another node.
MUST_USE err membership_move(
    struct node *node, struct decision *decision, uint32_t partition, node_id from, node_id to
);
