#include "node/shell/links.h"

#include "node/gossip/gossip.h"
#include "node/shell/clocks.h"
#include "node/shell/hearsay.h"
#include "node/shell/shell_internal.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <stdio.h>

static enum peer_class class_of(enum link_class link) {
    switch (link) {
    case LINK_URGENT:
        return PEER_URGENT;
    case LINK_BULK:
        return PEER_BULK;
    case LINK_STREAM:
        return PEER_STREAM;
    }
    return PEER_BULK;
}

void links_send(struct shell *shell, const struct node_effect *effect) {
    if (shell->peers != NULL) {
        (void)peers_send(shell->peers, effect->to, class_of(effect->link), effect->body);
    }
}

// --- what arrives
// -----------------------------------------------------------------------------------------

static void tell(struct shell *shell, const struct peer_event *said) {
    struct node_event event = {.peer = (uint16_t)said->node};
    switch (said->kind) {
    case PEER_UP:
        event.kind = NODE_PEER_UP;
        event.store_id = said->store_uuid;
        event.release_low = said->release_low;
        event.release_high = said->release_high;
        break;
    case PEER_DOWN:
        event.kind = NODE_PEER_DOWN;
        break;
    case PEER_MESSAGE:
        gossip_note_heard(shell->gossip, said->node);
        event.kind = NODE_PEER_MESSAGE;
        event.message = said->message;
        break;
    }
    shell_step(shell, &event);
}

static void take(struct shell *shell) {
    peers_pump(shell->peers, clocks_mono());
    struct peer_event said;
    for (int taken = 0; taken < LIMIT_PEER_EVENTS_PER_TURN && peers_next(shell->peers, &said);
         taken++) {
        tell(shell, &said);
    }
}

static void on_links(evutil_socket_t descriptor, short what, void *argument) {
    (void)descriptor;
    (void)what;
    take(argument);
}

void links_take(struct shell *shell) {
    if (shell->peers != NULL) {
        take(shell);
    }
}

void links_flush(struct shell *shell) {
    if (shell->peers == NULL) {
        return;
    }
    peers_flush(shell->peers, clocks_mono());
    hearsay_turn(shell);
    int64_t wait_us = (peers_next_wakeup(shell->peers).ns - clocks_mono().ns) / 1000;
    wait_us = wait_us < 0 ? 0 : wait_us;
    struct timeval wait = {.tv_sec = wait_us / 1000000, .tv_usec = wait_us % 1000000};
    (void)evtimer_add(shell->links_tick, &wait);
}

// --- life
// -------------------------------------------------------------------------------------------------

static err key_read(const struct config *config, struct arena *arena, bytes *out_key) {
    if (config->cluster_key[0] == '\0') {
        return err_make(
            ERR_INVALID, "a cluster needs --cluster-key: a file with the secret its nodes share"
        );
    }
    FILE *file = fopen(config->cluster_key, "rb");
    if (file == NULL) {
        return err_make(
            ERR_IO,
            arena_format(arena, "the cluster's key '%s' cannot be read", config->cluster_key)
        );
    }
    uint8_t *key = arena_alloc(arena, LIMIT_CLUSTER_KEY_FILE_BYTES);
    size_t size = fread(key, 1, LIMIT_CLUSTER_KEY_FILE_BYTES, file);
    (void)fclose(file);
    *out_key = bytes_trim(bytes_of(key, size));
    return ERR_NONE;
}

err links_check_key(const struct config *config, struct arena *arena) {
    bytes key = BYTES_EMPTY;
    return key_read(config, arena, &key);
}

err links_start(struct shell *shell, struct arena *arena) {
    const struct identity_list *known = &shell->identity.known;
    if (shell->identity.state == IDENTITY_NONE) {
        return ERR_NONE;
    }
    bytes key = BYTES_EMPTY;
    TRY(key_read(shell->config, arena, &key));
    struct peers_member *members = ARENA_ARRAY(arena, struct peers_member, known->count);
    for (size_t i = 0; i < known->count; i++) {
        members[i] = (struct peers_member){known->items[i].node, known->items[i].address};
    }
    struct peers_options options = {
        .self_id = shell->identity.node,
        .members = members,
        .member_count = known->count,
        .listen_host =
            shell->config->cluster_listen[0] != '\0' ? shell->config->cluster_listen : NULL,
        .cluster_id = shell->identity.cluster_id,
        .incarnation = shell->incarnation,
        .release_low = SHELL_RELEASE_LOW,
        .release_high = SHELL_RELEASE_HIGH,
        .release = SHELL_VERSION,
        .key = key,
        .heartbeat_ms = LIMIT_LINK_HEARTBEAT_MS,
        .silence_ms = LIMIT_LINK_SILENCE_MS,
        .log = shell->log,
    };
    store_identity(shell->store, options.store_uuid.bytes);
    TRY(peers_create(&options, arena, &shell->peers));
    shell->links_ready =
        event_new(shell->base, peers_fd(shell->peers), EV_READ | EV_PERSIST, on_links, shell);
    shell->links_tick = event_new(shell->base, -1, 0, on_links, shell);
    check(shell->links_ready != NULL && shell->links_tick != NULL);
    (void)event_add(shell->links_ready, NULL);
    return hearsay_start(shell, key, arena);
}

void links_stop(struct shell *shell) {
    if (shell->links_ready != NULL) {
        event_free(shell->links_ready);
        event_free(shell->links_tick);
    }
    hearsay_stop(shell);
    peers_destroy(&shell->peers);
}
