#include "node/shell/membership.h"

#include "node/gossip/gossip.h"
#include "node/shell/shell_internal.h"

static void keep(struct shell *shell, struct arena *arena) {
    err kept = identity_save(shell->config->store, &shell->identity, arena);
    if (err_is(kept)) {
        // The next start finds the others by what was kept before, and is told the rest by them.
        log_line(shell->log, LOG_ERROR, "identity_not_kept", "text=\"%s\"", kept.text);
    }
}

static void add(struct shell *shell, uint16_t node, const char *address, struct arena *arena) {
    const struct peers_member member = {.node_id = node, .address = address};
    err added = peers_add(shell->peers, &member, arena);
    if (!err_is(added)) {
        added = gossip_add(shell->gossip, node, address, arena);
    }
    if (err_is(added)) {
        log_line(
            shell->log,
            LOG_ERROR,
            "member_not_linked",
            "peer=%u address=%s text=\"%s\"",
            (unsigned)node,
            address,
            added.text
        );
    }
}

static void leave(struct shell *shell, struct arena *arena) {
    if (shell->identity.state == IDENTITY_LEFT) {
        return;
    }
    shell->identity.state = IDENTITY_LEFT;
    keep(shell, arena);
    log_line(
        shell->log,
        LOG_INFO,
        "left",
        "text=\"this node is no member of its cluster any more, and stops\""
    );
    shell_stop(shell);
}

void membership_gone(struct shell *shell, uint32_t by) {
    if (shell->identity.state == IDENTITY_LEFT) {
        return;
    }
    log_line(
        shell->log,
        LOG_WARN,
        "removed_while_away",
        "peer=%u text=\"the cluster removed this node while it was away; the others hold its "
        "copies\"",
        (unsigned)by
    );
    SCOPED(arena_destroy) struct arena *arena = arena_create(1024);
    leave(shell, arena);
}

void membership_version(struct shell *shell, uint32_t version) {
    if (version > SHELL_RELEASE_HIGH) {
        shell->outgrown = true;
        shell_stop(shell);
    } else if (shell->peers != NULL) {
        peers_require_release(shell->peers, (uint16_t)version);
    }
}

err membership_outgrown(void) {
    return err_make(
        ERR_CONFLICT,
        "the cluster's version rose above what this program speaks: start the release the other "
        "members run (orpheus cluster status); nothing was changed here"
    );
}

void membership_changed(struct shell *shell, uint16_t node, bytes address) {
    if (shell->peers == NULL) {
        return;
    }
    bool self = node == shell->identity.node;
    SCOPED(arena_destroy) struct arena *arena = arena_create(1024);
    if (self && address.size == 0) {
        leave(shell, arena);
        return;
    }
    if (!self && address.size > 0) {
        add(shell, node, arena_text(arena, address), arena);
    } else if (!self) {
        peers_remove(shell->peers, node);
        gossip_remove(shell->gossip, node);
    }
    bool changed = address.size > 0 ? identity_list_put(&shell->identity.known, node, address)
                                    : identity_list_drop(&shell->identity.known, node);
    if (changed) {
        keep(shell, arena);
    }
}
