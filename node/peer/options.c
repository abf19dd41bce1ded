#include "node/peer/options.h"

#include "node/peer/address.h"
#include "proto/limits.h"

#include <string.h>

const struct peers_member *options_member(const struct peers_options *options, uint32_t node_id) {
    for (size_t at = 0; at < options->member_count; at++) {
        if (options->members[at].node_id == node_id) {
            return &options->members[at];
        }
    }
    return NULL;
}

err options_check_address(const char *text, bool loopback_only, struct arena *arena) {
    struct address address;
    if (!address_parse(text, &address)) {
        return err_make(
            ERR_INVALID, arena_format(arena, "address '%s' of a member is not host:port", text)
        );
    }
    if (loopback_only && !address_is_loopback(address)) {
        return err_make(
            ERR_INVALID,
            arena_format(arena, "plain links are for loopback, and '%s' is elsewhere", text)
        );
    }
    return ERR_NONE;
}

MUST_USE static err
check_member(const struct peers_options *options, size_t index, struct arena *arena) {
    const struct peers_member *member = &options->members[index];
    if (member->node_id == 0 || options_member(options, member->node_id) != member) {
        return err_make(
            ERR_INVALID,
            arena_format(arena, "member id %u is not one of its own", (unsigned)member->node_id)
        );
    }
    return options_check_address(
        member->address, options->plain && !options->plain_anywhere, arena
    );
}

MUST_USE static err check_identity(const struct peers_options *options, struct arena *arena) {
    if (options_member(options, options->self_id) == NULL) {
        return err_make(
            ERR_INVALID,
            arena_format(arena, "node %u is not among the members", (unsigned)options->self_id)
        );
    }
    if (options->incarnation == 0) {
        return err_make(ERR_INVALID, "incarnation 0 is none");
    }
    if (options->release_low > options->release_high || options->release == NULL ||
        strlen(options->release) > LIMIT_PEER_RELEASE_BYTES) {
        return err_make(ERR_INVALID, "the release is not a range and a short name");
    }
    return ERR_NONE;
}

err options_check(const struct peers_options *options, struct arena *arena) {
    if (options->member_count == 0 || options->member_count > LIMIT_NODES) {
        return err_make(
            ERR_INVALID,
            arena_format(arena, "%zu members are not 1 to %d", options->member_count, LIMIT_NODES)
        );
    }
    for (size_t index = 0; index < options->member_count; index++) {
        TRY(check_member(options, index, arena));
    }
    TRY(check_identity(options, arena));
    if (!options->plain && (options->key.size < LIMIT_CLUSTER_KEY_BYTES_MIN ||
                            options->key.size > LIMIT_CLUSTER_KEY_BYTES)) {
        return err_make(
            ERR_INVALID,
            arena_format(
                arena,
                "a cluster key has %d to %d bytes, not %zu",
                LIMIT_CLUSTER_KEY_BYTES_MIN,
                LIMIT_CLUSTER_KEY_BYTES,
                options->key.size
            )
        );
    }
    if (options->plain && options->key.size > 0) {
        return err_make(ERR_INVALID, "a cluster key and plain links exclude each other");
    }
    return ERR_NONE;
}
