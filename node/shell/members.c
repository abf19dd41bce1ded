#include "node/shell/members.h"

#include "proto/base/hash.h"
#include "proto/limits.h"

#include <stdlib.h>

static int member_order(const void *left_item, const void *right_item) {
    const struct peers_member *left = left_item;
    const struct peers_member *right = right_item;
    return left->node_id < right->node_id ? -1 : left->node_id > right->node_id;
}

static err entry_read(bytes entry, struct arena *arena, struct peers_member *out_member) {
    size_t split = 0;
    while (split < entry.size && entry.data[split] != '=') {
        split++;
    }
    int64_t id = 0;
    bool valid = split < entry.size && bytes_parse_i64(bytes_slice(entry, 0, split), &id) &&
                 id >= 1 && id <= UINT16_MAX;
    if (!valid) {
        return err_make(
            ERR_INVALID,
            arena_format(
                arena,
                "--cluster: '%.*s' is not NUMBER=HOST:PORT with a number from 1 to 65535",
                BYTES_ARG(entry)
            )
        );
    }
    out_member->node_id = (uint32_t)id;
    out_member->address = arena_text(arena, bytes_slice(entry, split + 1, entry.size));
    const char *host = NULL;
    uint16_t port = 0;
    return config_address(out_member->address, arena, &host, &port);
}

static err list_read(bytes list, struct arena *arena, struct members *out_members) {
    size_t capacity = 1;
    for (size_t i = 0; i < list.size; i++) {
        capacity += list.data[i] == ',';
    }
    out_members->items = ARENA_ARRAY(arena, struct peers_member, capacity);
    while (list.size > 0) {
        size_t end = 0;
        while (end < list.size && list.data[end] != ',') {
            end++;
        }
        bytes entry = bytes_trim(bytes_slice(list, 0, end));
        TRY(entry_read(entry, arena, &out_members->items[out_members->count++]));
        list = bytes_slice(list, end < list.size ? end + 1 : end, list.size);
    }
    qsort(out_members->items, out_members->count, sizeof(*out_members->items), member_order);
    return ERR_NONE;
}

static err
list_check(const struct config *config, struct arena *arena, const struct members *members) {
    bool self = false;
    int64_t number = config->node_id > 0 ? config->node_id : 1;
    for (size_t i = 0; i < members->count; i++) {
        self = self || members->items[i].node_id == number;
        if (i > 0 && members->items[i].node_id == members->items[i - 1].node_id) {
            return err_make(
                ERR_INVALID,
                arena_format(arena, "--cluster: node %u stands twice", members->items[i].node_id)
            );
        }
    }
    if (!self) {
        return err_make(
            ERR_INVALID,
            arena_format(
                arena, "--cluster does not list this node: --node-id is %lld", (long long)number
            )
        );
    }
    if (members->count > LIMIT_CLUSTER_FOUNDERS) {
        return err_make(
            ERR_INVALID,
            arena_format(
                arena,
                "--cluster lists %zu nodes; a cluster is formed by %d at most; others join it "
                "later",
                members->count,
                (int)LIMIT_CLUSTER_FOUNDERS
            )
        );
    }
    return ERR_NONE;
}

err members_read(const struct config *config, struct arena *arena, struct members *out_members) {
    *out_members = (struct members){0};
    bytes list = bytes_trim(bytes_from_text(config->cluster));
    if (list.size == 0) {
        return ERR_NONE;
    }
    TRY(list_read(list, arena, out_members));
    TRY(list_check(config, arena, out_members));
    struct buffer text;
    buffer_init(&text, list.size * 2 + 64);
    buffer_format(&text, "%lld;%lld", (long long)config->partitions, (long long)config->replicas);
    out_members->ids = ARENA_ARRAY(arena, uint16_t, out_members->count);
    for (size_t i = 0; i < out_members->count; i++) {
        const struct peers_member *member = &out_members->items[i];
        out_members->ids[i] = (uint16_t)member->node_id;
        buffer_format(&text, ";%u=%s", member->node_id, member->address);
    }
    hash128_store(hash_sip128(buffer_bytes(&text)), out_members->cluster_id.bytes);
    err fits = buffer_status(&text);
    buffer_deinit(&text);
    return fits;
}
