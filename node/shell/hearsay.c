#include "node/shell/hearsay.h"

#include "node/gossip/gossip.h"
#include "node/shell/clocks.h"
#include "node/shell/membership.h"
#include "node/shell/shell_internal.h"
#include "proto/base/check.h"

#include <sys/random.h>

static void take(struct shell *shell) {
    gossip_pump(shell->gossip, clocks_mono());
    struct swim_member member;
    while (gossip_next(shell->gossip, &member)) {
        struct node_event event = {
            .kind = NODE_HEARSAY,
            .peer = (uint16_t)member.node,
            .message = bytes_from_text(swim_state_name(member.state)),
        };
        log_line(
            shell->log,
            LOG_INFO,
            "gossip",
            "peer=%u state=%s",
            member.node,
            swim_state_name(member.state)
        );
        shell_step(shell, &event);
    }
    uint32_t node = 0;
    if (gossip_next_stranger(shell->gossip, &node)) {
        gossip_answer_stranger(shell->gossip, node_has_left(shell->node, (uint16_t)node));
    }
    if (gossip_gone_by(shell->gossip) != 0) {
        membership_gone(shell, gossip_gone_by(shell->gossip));
    }
}

static void on_gossip(evutil_socket_t descriptor, short what, void *argument) {
    (void)descriptor;
    (void)what;
    take(argument);
}

void hearsay_turn(struct shell *shell) {
    if (shell->gossip == NULL) {
        return;
    }
    int64_t wait_us = (gossip_next_wakeup(shell->gossip).ns - clocks_mono().ns) / 1000;
    wait_us = wait_us < 0 ? 0 : wait_us;
    struct timeval wait = {.tv_sec = wait_us / 1000000, .tv_usec = wait_us % 1000000};
    (void)evtimer_add(shell->gossip_tick, &wait);
}

err hearsay_start(struct shell *shell, bytes key, struct arena *arena) {
    const struct identity_list *known = &shell->identity.known;
    struct swim_seed *seeds = ARENA_ARRAY(arena, struct swim_seed, known->count);
    for (size_t i = 0; i < known->count; i++) {
        seeds[i] = (struct swim_seed){known->items[i].node, known->items[i].address};
    }
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) {
        return err_make(ERR_IO, "the system gives no random bytes");
    }
    struct gossip_options options = {
        .swim =
            {
                .self_id = shell->identity.node,
                .incarnation = shell->incarnation,
                .members = seeds,
                .member_count = known->count,
                .release_low = SHELL_RELEASE_LOW,
                .release_high = SHELL_RELEASE_HIGH,
                .release = BYTES_LITERAL(SHELL_VERSION),
                .random_seed = seed,
            },
        .listen_host =
            shell->config->cluster_listen[0] != '\0' ? shell->config->cluster_listen : NULL,
        .cluster_id = shell->identity.cluster_id,
        .keys = &key,
        .key_count = 1,
        .log = shell->log,
    };
    TRY(gossip_create(&options, clocks_mono(), arena, &shell->gossip));
    shell->gossip_ready =
        event_new(shell->base, gossip_fd(shell->gossip), EV_READ | EV_PERSIST, on_gossip, shell);
    shell->gossip_tick = event_new(shell->base, -1, 0, on_gossip, shell);
    check(shell->gossip_ready != NULL && shell->gossip_tick != NULL);
    (void)event_add(shell->gossip_ready, NULL);
    return ERR_NONE;
}

void hearsay_stop(struct shell *shell) {
    if (shell->gossip_ready != NULL) {
        event_free(shell->gossip_ready);
        event_free(shell->gossip_tick);
    }
    gossip_destroy(&shell->gossip);
}
