// A thin shell: one socket, the ring of keys, and where each node was heard from last. A datagram
// that opens and is of a node's newest process moves that node's address to where it came from, so
// a node whose name could not be looked up is found as soon as it speaks.
#include "node/gossip/gossip.h"

#include "node/gossip/seal.h"
#include "node/peer/address.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <sodium.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    DATAGRAMS_PER_PUMP = 256,
    PORT_TEXT_BYTES = 8,
};

struct place {
    uint32_t node; // 0: free
    struct sockaddr_storage address;
    socklen_t size; // 0: not known yet
};

struct gossip {
    int fd;
    struct swim *swim;
    struct gossip_ring ring;
    const struct log *log;
    bool loopback_only;
    mono_time logged;
    uint64_t refused_seal;
    uint64_t unsent;
    struct place places[LIMIT_NODES];
    struct place stranger;     // the newest, where it may be answered
    uint32_t cut[LIMIT_NODES]; // nodes that nothing passes to or from
    size_t cut_count;
    struct buffer payload;
    struct buffer datagram;
};

// --- opening

MUST_USE static err check_member(bool loopback_only, const char *text, struct arena *arena) {
    struct address address;
    if (!address_parse(text, &address) || strlen(text) > LIMIT_GOSSIP_ADDRESS_BYTES) {
        return err_make(
            ERR_INVALID, arena_format(arena, "address '%s' of a member is not host:port", text)
        );
    }
    if (loopback_only && !address_is_loopback(address)) {
        return err_make(
            ERR_INVALID,
            arena_format(arena, "plain gossip is for loopback, and '%s' is elsewhere", text)
        );
    }
    return ERR_NONE;
}

static bool loopback_only(const struct gossip_options *options) {
    return options->plain && !options->plain_anywhere;
}

MUST_USE static err check_options(const struct gossip_options *options, struct arena *arena) {
    if (options->swim.member_count == 0 || options->swim.member_count > LIMIT_NODES) {
        return err_make(ERR_INVALID, "the number of members is impossible");
    }
    for (size_t at = 0; at < options->swim.member_count; at++) {
        TRY(check_member(loopback_only(options), options->swim.members[at].address, arena));
    }
    if (options->plain != (options->key_count == 0) || options->key_count > GOSSIP_KEYS_MAX) {
        return err_make(
            ERR_INVALID,
            arena_format(arena, "gossip is plain, or has 1 to %d keys", GOSSIP_KEYS_MAX)
        );
    }
    for (size_t at = 0; at < options->key_count; at++) {
        if (options->keys[at].size < LIMIT_CLUSTER_KEY_BYTES_MIN) {
            return err_make(
                ERR_INVALID,
                arena_format(
                    arena, "a cluster key has at least %d bytes", LIMIT_CLUSTER_KEY_BYTES_MIN
                )
            );
        }
    }
    return ERR_NONE;
}

// The socket address of host and port. False: the host is unknown.
static bool
look_up(struct arena *arena, struct address address, int flags, struct place *out_place) {
    char port[PORT_TEXT_BYTES];
    bytes host = address.host;
    struct addrinfo *found = NULL;
    const struct addrinfo wanted = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM, .ai_flags = flags | AI_NUMERICSERV};
    if (host.size > 1 && host.data[0] == '[') {
        host = bytes_slice(host, 1, host.size - 1);
    }
    (void)snprintf(port, sizeof(port), "%u", (unsigned)address.port);
    if (getaddrinfo(arena_text(arena, host), port, &wanted, &found) != 0) {
        return false;
    }
    memcpy(&out_place->address, found->ai_addr, found->ai_addrlen);
    out_place->size = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

MUST_USE static err
open_socket(struct gossip *gossip, const struct gossip_options *options, struct arena *arena) {
    struct address address;
    struct place own = {0};
    const char *text = "";
    for (size_t at = 0; at < options->swim.member_count; at++) {
        if (options->swim.members[at].node_id == options->swim.self_id) {
            text = options->swim.members[at].address;
        }
    }
    if (!address_parse(text, &address)) {
        return err_make(ERR_INVALID, "this node is not among the members");
    }
    if (options->listen_host != NULL) {
        address.host = bytes_from_text(options->listen_host);
    }
    if (!look_up(arena, address, AI_PASSIVE, &own)) {
        return err_make(ERR_IO, arena_format(arena, "the host of '%s' is unknown", text));
    }
    gossip->fd = socket(own.address.ss_family, SOCK_DGRAM, 0);
    if (gossip->fd < 0 || fcntl(gossip->fd, F_SETFL, O_NONBLOCK) != 0 ||
        fcntl(gossip->fd, F_SETFD, FD_CLOEXEC) != 0 ||
        bind(gossip->fd, (const struct sockaddr *)&own.address, own.size) != 0) {
        char reason[128];
        (void)strerror_r(errno, reason, sizeof(reason));
        return err_make(ERR_IO, arena_format(arena, "gossip at %s: %s", text, reason));
    }
    return ERR_NONE;
}

static void
look_up_members(struct gossip *gossip, const struct gossip_options *options, struct arena *arena) {
    for (size_t at = 0; at < options->swim.member_count; at++) {
        const struct swim_seed *member = &options->swim.members[at];
        struct address address;
        check(address_parse(member->address, &address));
        gossip->places[at].node = member->node_id;
        if (!look_up(arena, address, 0, &gossip->places[at]) && gossip->log != NULL) {
            log_line(
                gossip->log,
                LOG_WARN,
                "gossip_host_unknown",
                "node_id=%u address=%s",
                (unsigned)member->node_id,
                member->address
            );
        }
    }
}

static void fill_ring(struct gossip_ring *ring, const struct gossip_options *options) {
    ring->cluster_id = options->cluster_id;
    for (size_t at = 0; at < options->key_count; at++) {
        ring->keys[ring->count++] = gossip_key_from_secret(options->keys[at]);
    }
    if (options->plain) {
        ring->keys[ring->count++] = gossip_key_from_secret(BYTES_EMPTY);
    }
}

err gossip_create(
    const struct gossip_options *options,
    mono_time now,
    struct arena *arena,
    struct gossip **out_gossip
) {
    TRY(check_options(options, arena));
    if (sodium_init() < 0) {
        return err_make(ERR_IO, "the system gives no random bytes");
    }
    struct gossip *gossip = calloc(1, sizeof(*gossip));
    check(gossip != NULL);
    gossip->fd = -1;
    gossip->log = options->log;
    gossip->loopback_only = loopback_only(options);
    buffer_init(&gossip->payload, LIMIT_GOSSIP_PAYLOAD_BYTES);
    buffer_init(&gossip->datagram, LIMIT_GOSSIP_DATAGRAM_BYTES);
    err error = open_socket(gossip, options, arena);
    if (err_is(error)) {
        gossip_destroy(&gossip);
        return error;
    }
    fill_ring(&gossip->ring, options);
    look_up_members(gossip, options, arena);
    struct swim_options swim = options->swim;
    randombytes_buf(&swim.random_seed, sizeof(swim.random_seed));
    gossip->swim = swim_create(&swim, now);
    *out_gossip = gossip;
    return ERR_NONE;
}

void gossip_destroy(struct gossip **gossip) {
    struct gossip *gone = *gossip;
    *gossip = NULL;
    if (gone == NULL) {
        return;
    }
    if (gone->fd >= 0) {
        (void)close(gone->fd);
    }
    swim_destroy(&gone->swim);
    buffer_deinit(&gone->payload);
    buffer_deinit(&gone->datagram);
    sodium_memzero(&gone->ring, sizeof(gone->ring));
    free(gone);
}

// --- members

// The place of a node, or NULL. Of node 0: a free one.
static struct place *place_of(struct gossip *gossip, uint32_t node) {
    for (size_t at = 0; at < LIMIT_NODES; at++) {
        if (gossip->places[at].node == node) {
            return &gossip->places[at];
        }
    }
    return NULL;
}

err gossip_add(struct gossip *gossip, uint32_t node_id, const char *address, struct arena *arena) {
    struct address parsed;
    TRY(check_member(gossip->loopback_only, address, arena));
    check(address_parse(address, &parsed));
    struct place *place = place_of(gossip, node_id);
    place = place == NULL ? place_of(gossip, 0) : place;
    if (place == NULL || !swim_add(gossip->swim, node_id, bytes_from_text(address))) {
        return err_make(
            ERR_INVALID, arena_format(arena, "no more than %d nodes gossip", LIMIT_NODES)
        );
    }
    place->node = node_id;
    (void)look_up(arena, parsed, AI_NUMERICHOST, place);
    return ERR_NONE;
}

void gossip_remove(struct gossip *gossip, uint32_t node_id) {
    struct place *place = place_of(gossip, node_id);
    swim_remove(gossip->swim, node_id);
    if (place != NULL) {
        *place = (struct place){0};
    }
}

// --- drills

void gossip_cut(struct gossip *gossip, const uint32_t *nodes, size_t count) {
    check(count <= LIMIT_NODES);
    gossip->cut_count = count;
    if (count > 0) {
        memcpy(gossip->cut, nodes, count * sizeof(nodes[0]));
    }
}

static bool is_cut(const struct gossip *gossip, uint32_t node) {
    for (size_t at = 0; at < gossip->cut_count; at++) {
        if (gossip->cut[at] == node) {
            return true;
        }
    }
    return false;
}

// Whether a datagram from there is of a node that is cut.
static bool comes_from_cut(struct gossip *gossip, const struct place *from) {
    for (size_t at = 0; at < gossip->cut_count; at++) {
        const struct place *place = place_of(gossip, gossip->cut[at]);
        if (place != NULL && place->size == from->size &&
            memcmp(&place->address, &from->address, from->size) == 0) {
            return true;
        }
    }
    return false;
}

// --- turns

static void log_refusal(struct gossip *gossip, mono_time now) {
    bool soon = gossip->logged.ns != 0 &&
                now.ns - gossip->logged.ns < (int64_t)LIMIT_PEER_LOG_MS * 1000 * 1000;
    gossip->refused_seal++;
    if (soon || gossip->log == NULL) {
        return;
    }
    gossip->logged = now;
    log_line(
        gossip->log,
        LOG_WARN,
        "gossip_refused",
        "fault=seal meaning=\"another key or cluster, or damaged\" refused=%llu",
        (unsigned long long)gossip->refused_seal
    );
}

static void take_in(struct gossip *gossip, mono_time now) {
    uint8_t datagram[LIMIT_GOSSIP_DATAGRAM_BYTES + 1];
    for (int count = 0; count < DATAGRAMS_PER_PUMP; count++) {
        struct place from = {.size = sizeof(from.address)};
        ssize_t size = recvfrom(
            gossip->fd, datagram, sizeof(datagram), 0, (struct sockaddr *)&from.address, &from.size
        );
        if (size < 0) {
            return;
        }
        if (comes_from_cut(gossip, &from)) {
            continue;
        }
        bytes payload = BYTES_EMPTY;
        uint32_t node = 0;
        if (size > LIMIT_GOSSIP_DATAGRAM_BYTES ||
            !gossip_open(&gossip->ring, datagram, (size_t)size, &payload)) {
            log_refusal(gossip, now);
            continue;
        }
        uint64_t before = swim_counters(gossip->swim)->datagrams_received;
        (void)err_is(swim_receive(gossip->swim, now, payload, &node));
        struct place *place = NULL;
        if (swim_counters(gossip->swim)->datagrams_received > before) {
            place = place_of(gossip, node);
        }
        uint32_t stranger = 0;
        if (place != NULL) {
            place->address = from.address;
            place->size = from.size;
        } else if (swim_next_stranger(gossip->swim, &stranger) && stranger == node) {
            from.node = node;
            gossip->stranger = from;
        }
    }
}

static void send_out(struct gossip *gossip) {
    uint32_t to = 0;
    buffer_clear(&gossip->payload);
    while (swim_next_datagram(gossip->swim, &to, &gossip->payload)) {
        uint8_t nonce[GOSSIP_NONCE_BYTES];
        const struct place *place =
            to == gossip->stranger.node ? &gossip->stranger : place_of(gossip, to);
        randombytes_buf(nonce, sizeof(nonce));
        buffer_clear(&gossip->datagram);
        gossip_seal(&gossip->ring, nonce, buffer_bytes(&gossip->payload), &gossip->datagram);
        buffer_clear(&gossip->payload);
        if (is_cut(gossip, to)) {
            continue;
        }
        if (place == NULL || place->size == 0 ||
            sendto(
                gossip->fd,
                gossip->datagram.data,
                gossip->datagram.size,
                MSG_NOSIGNAL,
                (const struct sockaddr *)&place->address,
                place->size
            ) < 0) {
            gossip->unsent++;
        }
    }
}

void gossip_pump(struct gossip *gossip, mono_time now) {
    take_in(gossip, now);
    swim_tick(gossip->swim, now);
    send_out(gossip);
}

int gossip_fd(const struct gossip *gossip) {
    return gossip->fd;
}

mono_time gossip_next_wakeup(const struct gossip *gossip) {
    return swim_next_wakeup(gossip->swim);
}

bool gossip_next(struct gossip *gossip, struct swim_member *out_member) {
    return swim_next_change(gossip->swim, out_member);
}

bool gossip_member_at(const struct gossip *gossip, size_t index, struct swim_member *out_member) {
    return swim_member_at(gossip->swim, index, out_member);
}

void gossip_say(struct gossip *gossip, uint32_t load, bytes hints) {
    swim_say(gossip->swim, load, hints);
}

void gossip_leave(struct gossip *gossip) {
    swim_leave(gossip->swim);
}

void gossip_note_heard(struct gossip *gossip, uint32_t node) {
    swim_note_heard(gossip->swim, node);
}

bool gossip_next_stranger(const struct gossip *gossip, uint32_t *out_node) {
    return swim_next_stranger(gossip->swim, out_node);
}

void gossip_answer_stranger(struct gossip *gossip, bool has_left) {
    swim_answer_stranger(gossip->swim, has_left);
    send_out(gossip);
    gossip->stranger = (struct place){0};
}

uint32_t gossip_gone_by(const struct gossip *gossip) {
    return swim_gone_by(gossip->swim);
}

struct gossip_stats gossip_stats(const struct gossip *gossip) {
    return (struct gossip_stats){
        .swim = *swim_counters(gossip->swim),
        .refused_seal = gossip->refused_seal,
        .unsent = gossip->unsent,
        .patience = swim_patience(gossip->swim),
    };
}
