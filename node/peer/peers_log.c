#include "node/peer/peers_internal.h"

// Whether a line of this kind may be logged again; if so, it is from now.
static bool may_log(const struct peers *peers, mono_time *logged) {
    bool soon = logged->ns != 0 && peers->now.ns < peers_later(*logged, LIMIT_PEER_LOG_MS).ns;
    if (soon || peers->log == NULL) {
        return false;
    }
    *logged = peers->now;
    return true;
}

void peers_log_refusal(
    struct peers *peers, struct peer *peer, enum link_fault fault, const char *detail
) {
    peer->last_fault = fault;
    if (may_log(peers, &peer->logged[fault])) {
        log_line(
            peers->log,
            LOG_WARN,
            "peer_refused",
            "peer=%u address=%s fault=%s meaning=\"%s\" %s",
            (unsigned)peer->node,
            peer->address,
            link_fault_name(fault),
            link_fault_meaning(fault),
            detail
        );
    }
}

void peers_log_member(const struct peers *peers, const struct peer *peer, const char *name) {
    if (peers->log != NULL) {
        log_line(
            peers->log, LOG_INFO, name, "peer=%u address=%s", (unsigned)peer->node, peer->address
        );
    }
}

void peers_log_stranger(struct peers *peers, uint32_t from) {
    if (may_log(peers, &peers->strangers_logged)) {
        log_line(
            peers->log,
            LOG_WARN,
            "stranger_refused",
            "fault=%s from=%u meaning=\"no member that would dial this node\"",
            link_fault_name(from == 0 ? LINK_FAULT_FORM : LINK_FAULT_NODE),
            (unsigned)from
        );
    }
}

void peers_log_change(const struct peers *peers, const struct peer *peer) {
    if (peers->log == NULL) {
        return;
    }
    bytes release = link_peer_release(peer->link);
    if (peer->told_up) {
        log_line(
            peers->log,
            LOG_INFO,
            "peer_up",
            "peer=%u incarnation=%llu release=%.*s",
            (unsigned)peer->node,
            (unsigned long long)peer->told_incarnation,
            BYTES_ARG(release)
        );
    } else {
        log_line(
            peers->log,
            LOG_WARN,
            "peer_down",
            "peer=%u incarnation=%llu cause=%s",
            (unsigned)peer->node,
            (unsigned long long)peer->told_incarnation,
            link_state_of(peer->link) == LINK_SILENT ? "silent" : "closed"
        );
    }
}
