#include "node/peer/link/hello.h"

#include "proto/limits.h"

#include <string.h>

#define WIRE_SELF struct link_hello
WIRE_RECORD(link_hello, LINK_HELLO_FIELDS)
#undef WIRE_SELF

enum {
    RECORD_AT = LINK_FRAME_PREFIX_BYTES + sizeof(id128),
    PEEK_ARENA_BYTES = 512, // the text of an error
};

const char *link_fault_name(enum link_fault fault) {
    static const char *const NAMES[] = {
#define LINK_FAULT_NAME(name, word, meaning) word,
        LINK_FAULTS(LINK_FAULT_NAME)
#undef LINK_FAULT_NAME
    };
    return fault < LINK_FAULT_COUNT ? NAMES[fault] : "unknown";
}

const char *link_fault_meaning(enum link_fault fault) {
    static const char *const MEANINGS[] = {
#define LINK_FAULT_MEANING(name, word, meaning) meaning,
        LINK_FAULTS(LINK_FAULT_MEANING)
#undef LINK_FAULT_MEANING
    };
    return fault < LINK_FAULT_COUNT ? MEANINGS[fault] : "for a reason of a later release";
}

void link_hello_put(
    struct buffer *out, const struct link_identity *self, uint32_t to, bytes nonce
) {
    uint8_t prefix[LINK_FRAME_PREFIX_BYTES];
    struct link_hello hello = {
        .from = self->node_id,
        .to = to,
        .store_uuid = self->store_uuid,
        .incarnation = self->incarnation,
        .release_low = self->release_low,
        .release_high = self->release_high,
        .release = self->release,
        .nonce = nonce,
        .plain = self->plain,
    };
    link_frame_put_prefix(prefix, LINK_FRAME_HELLO);
    buffer_append(out, bytes_of(prefix, sizeof(prefix)));
    buffer_append(out, bytes_of(self->cluster_id.bytes, sizeof(self->cluster_id.bytes)));
    wire_encode(&link_hello_record, &hello, out);
}

static const char *both_ids(struct arena *arena, id128 theirs, id128 ours) {
    char first[ID_TEXT_BYTES];
    char second[ID_TEXT_BYTES];
    id_format(theirs, first);
    id_format(ours, second);
    return arena_format(
        arena, "theirs=%.*s ours=%.*s", ID_TEXT_BYTES, first, ID_TEXT_BYTES, second
    );
}

// What in a well-formed hello keeps the two apart.
static enum link_fault compare(
    const struct link_hello *hello,
    const struct link_identity *self,
    uint32_t from,
    struct arena *arena,
    const char **out_detail
) {
    if (hello->from != from || hello->to != self->node_id) {
        *out_detail = arena_format(
            arena,
            "it_is=%u it_seeks=%u expected=%u self=%u",
            (unsigned)hello->from,
            (unsigned)hello->to,
            (unsigned)from,
            (unsigned)self->node_id
        );
        return LINK_FAULT_NODE;
    }
    if (hello->plain != self->plain) {
        *out_detail = hello->plain ? "theirs=plain ours=key" : "theirs=key ours=plain";
        return LINK_FAULT_SECURITY;
    }
    if (hello->release_low > self->release_high || hello->release_high < self->release_low) {
        *out_detail = arena_format(
            arena,
            "theirs=%u-%u ours=%u-%u",
            (unsigned)hello->release_low,
            (unsigned)hello->release_high,
            (unsigned)self->release_low,
            (unsigned)self->release_high
        );
        return LINK_FAULT_RELEASE;
    }
    return LINK_FAULT_NONE;
}

// A release's name goes to logs: letters, digits and what stands between them.
static bool is_word(bytes text) {
    for (size_t at = 0; at < text.size; at++) {
        if (text.data[at] <= ' ' || text.data[at] > '~' || text.data[at] == '"') {
            return false;
        }
    }
    return text.size <= LIMIT_PEER_RELEASE_BYTES;
}

enum link_fault link_hello_take(
    bytes frame,
    const struct link_identity *self,
    uint32_t from,
    struct arena *arena,
    struct link_hello *out_hello,
    const char **out_detail
) {
    *out_detail = "";
    if (frame.size < RECORD_AT || frame.size > LINK_HELLO_BYTES_MAX) {
        *out_detail = arena_format(arena, "bytes=%zu", frame.size);
        return LINK_FAULT_FORM;
    }
    id128 cluster_id = id_load(frame.data + LINK_FRAME_PREFIX_BYTES);
    if (!id_equal(cluster_id, self->cluster_id)) {
        *out_detail = both_ids(arena, cluster_id, self->cluster_id);
        return LINK_FAULT_CLUSTER;
    }
    err error = wire_decode(
        &link_hello_record, bytes_slice(frame, RECORD_AT, frame.size), arena, out_hello
    );
    if (err_is(error) || out_hello->nonce.size != LINK_NONCE_BYTES || out_hello->incarnation == 0 ||
        !is_word(out_hello->release)) {
        *out_detail = "record=damaged";
        return LINK_FAULT_FORM;
    }
    return compare(out_hello, self, from, arena, out_detail);
}

bool link_hello_peek(bytes frame, uint32_t *out_from) {
    enum link_frame_kind kind;
    struct link_hello hello;
    if (frame.size < RECORD_AT || frame.size > LINK_HELLO_BYTES_MAX ||
        err_is(link_frame_kind_of(frame, &kind)) || kind != LINK_FRAME_HELLO) {
        return false;
    }
    struct arena *arena = arena_create(PEEK_ARENA_BYTES);
    err error =
        wire_decode(&link_hello_record, bytes_slice(frame, RECORD_AT, frame.size), arena, &hello);
    arena_destroy(&arena);
    if (err_is(error)) {
        return false;
    }
    *out_from = hello.from;
    return true;
}

void link_refusal_put(uint8_t out[LINK_REFUSAL_FRAME_BYTES], enum link_fault fault) {
    link_frame_put_prefix(out, LINK_FRAME_REFUSAL);
    out[LINK_FRAME_PREFIX_BYTES] = (uint8_t)fault;
}
