// Frames as bytes. One table gives the numbers of each kind, so that writing and reading cannot
// disagree. Not proto/wire: appends are written thousands of times a second, and an entry should be
// copied once, from the store into the frame.
#include "node/raft/message.h"

#include <string.h>

enum {
    MESSAGE_NUMBERS_MAX = 6,
    VARINT_BYTES_MAX = 10,
    CHAIN_BYTES = 16,
    BODY_SIZE_BYTES = 4
};

struct message_shape {
    const char *name;
    bool has_chain;
    bool has_body;
    uint8_t number_count;
    size_t numbers[MESSAGE_NUMBERS_MAX]; // their places in struct message
};

#define AT(field) offsetof(struct message, field)
static const struct message_shape shapes[MESSAGE_KIND_COUNT] = {
    [MESSAGE_NONE] = {"none", false, false, 0, {0}},
    [MESSAGE_LIST] = {"list", false, true, 1, {AT(version)}},
    [MESSAGE_STALE] = {"stale", false, false, 0, {0}},
    [MESSAGE_PRE_VOTE] = {"pre-vote", false, false, 2, {AT(index), AT(log_term)}},
    [MESSAGE_PRE_VOTE_REPLY] = {"pre-vote-reply", false, false, 2, {AT(asked), AT(granted)}},
    [MESSAGE_VOTE] = {"vote", false, false, 3, {AT(index), AT(log_term), AT(transfer)}},
    [MESSAGE_VOTE_REPLY] = {"vote-reply", false, false, 1, {AT(granted)}},
    [MESSAGE_TIMEOUT_NOW] = {"timeout-now", false, false, 0, {0}},
    [MESSAGE_APPEND] = {"append", true, true, 3, {AT(index), AT(log_term), AT(commit)}},
    [MESSAGE_PART] = {"part", true, true, 4, {AT(index), AT(log_term), AT(commit), AT(offset)}},
    [MESSAGE_PART_ACK] = {"part-ack", false, false, 3, {AT(epoch), AT(index), AT(offset)}},
    [MESSAGE_ACK] = {"ack", false, false, 4, {AT(epoch), AT(index), AT(commit), AT(state)}},
    [MESSAGE_REJECT] =
        {"reject", false, false, 5, {AT(epoch), AT(index), AT(hint), AT(hint_term), AT(last)}},
    [MESSAGE_COMMIT] = {"commit", false, false, 1, {AT(commit)}},
    [MESSAGE_INSTALL] =
        {"install", true, false, 5, {AT(epoch), AT(install), AT(index), AT(log_term), AT(time)}},
    [MESSAGE_CHUNK] =
        {"chunk", false, true, 5, {AT(install), AT(number), AT(offset), AT(total), AT(final)}},
    [MESSAGE_INSTALL_ACK] =
        {"install-ack",
         false,
         false,
         5,
         {AT(epoch), AT(install), AT(number), AT(offset), AT(state)}},
    [MESSAGE_INSTALL_END] = {"install-end", false, false, 2, {AT(epoch), AT(index)}},
    [MESSAGE_ASK] = {"ask", false, false, 0, {0}},
    [MESSAGE_REMOVED] = {"removed", false, false, 0, {0}},
};

static err malformed(const char *text) {
    return err_make(ERR_INVALID, text);
}

// --- pieces --------------------------------------------------------------------------------------

static size_t varint_write(uint8_t *at, uint64_t value) {
    size_t size = 0;
    while (value >= 0x80) {
        at[size++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    at[size++] = (uint8_t)value;
    return size;
}

static void put_number(struct buffer *out, uint64_t value) {
    uint8_t room[VARINT_BYTES_MAX];
    buffer_append(out, bytes_of(room, varint_write(room, value)));
}

static void put_chain(struct buffer *out, hash128 chain) {
    uint8_t room[CHAIN_BYTES];
    hash128_store(chain, room);
    buffer_append(out, bytes_of(room, sizeof(room)));
}

static void skip(bytes *rest, size_t size) {
    rest->data += size;
    rest->size -= size;
}

// The shortest form only, so that equal messages have equal bytes.
MUST_USE static err take_number(bytes *rest, uint64_t *out_value) {
    uint64_t value = 0;
    for (size_t i = 0; i < rest->size && i < VARINT_BYTES_MAX; i++) {
        uint8_t byte = rest->data[i];
        if (i == VARINT_BYTES_MAX - 1 && byte > 1) {
            break;
        }
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            if ((byte == 0 && i > 0) || value > INT64_MAX) {
                break; // so sums of two numbers do not wrap
            }
            skip(rest, i + 1);
            *out_value = value;
            return ERR_NONE;
        }
    }
    return malformed("a number of a frame is cut or too large");
}

MUST_USE static err take_group(bytes *rest, group_id *out_group) {
    uint64_t value = 0;
    TRY(take_number(rest, &value));
    if (value > UINT16_MAX) {
        return malformed("a group of a frame does not exist");
    }
    *out_group = (group_id)value;
    return ERR_NONE;
}

MUST_USE static err take_chain(bytes *rest, hash128 *out_chain) {
    if (rest->size < CHAIN_BYTES) {
        return malformed("a chain of a frame is cut");
    }
    *out_chain = hash128_load(rest->data);
    skip(rest, CHAIN_BYTES);
    return ERR_NONE;
}

// --- the header ----------------------------------------------------------------------------------

void message_put_header(struct buffer *out, const struct frame_header *header) {
    buffer_append_byte(out, MESSAGE_VERSION);
    put_number(out, header->incarnation);
    put_number(out, header->store);
    put_number(out, header->to_incarnation);
    put_number(out, header->sequence);
    put_number(out, header->round);
    put_number(out, header->echo);
    put_number(out, header->lead_version);
    put_number(out, header->held_version);
    buffer_append_byte(out, header->asks ? 1 : 0);
    buffer_append_byte(out, (uint8_t)header->exception_count);
    for (uint32_t i = 0; i < header->exception_count; i++) {
        put_number(out, header->exceptions[i]);
    }
}

err message_take_header(bytes *rest, struct frame_header *out_header) {
    struct frame_header header = {0};
    if (rest->size == 0 || rest->data[0] != MESSAGE_VERSION) {
        return malformed("a frame of another version");
    }
    skip(rest, 1);
    uint64_t *numbers[] = {
        &header.incarnation,
        &header.store,
        &header.to_incarnation,
        &header.sequence,
        &header.round,
        &header.echo,
        &header.lead_version,
        &header.held_version,
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        TRY(take_number(rest, numbers[i]));
    }
    if (rest->size < 2 || rest->data[0] > 1 || rest->data[1] > FRAME_EXCEPTIONS_MAX) {
        return malformed("a frame's header is cut");
    }
    header.asks = rest->data[0] == 1;
    header.exception_count = rest->data[1];
    skip(rest, 2);
    for (uint32_t i = 0; i < header.exception_count; i++) {
        TRY(take_group(rest, &header.exceptions[i]));
    }
    *out_header = header;
    return ERR_NONE;
}

// --- messages ------------------------------------------------------------------------------------

static void put_head(struct buffer *out, const struct message *message) {
    const struct message_shape *shape = &shapes[message->kind];
    uint8_t room[MESSAGE_HEAD_BYTES_MAX];
    size_t size = 0;
    room[size++] = (uint8_t)message->kind;
    size += varint_write(room + size, message->group);
    size += varint_write(room + size, message->term);
    size += varint_write(room + size, message->from);
    size += varint_write(room + size, message->to);
    for (uint8_t i = 0; i < shape->number_count; i++) {
        uint64_t value = 0;
        memcpy(&value, (const uint8_t *)message + shape->numbers[i], sizeof(value));
        size += varint_write(room + size, value);
    }
    if (shape->has_chain) {
        hash128_store(message->chain, room + size);
        size += CHAIN_BYTES;
    }
    buffer_append(out, bytes_of(room, size));
}

void message_put(struct buffer *out, const struct message *message) {
    if (shapes[message->kind].has_body) {
        size_t place = message_begin_body(out, message);
        buffer_append(out, message->body);
        message_end_body(out, place);
    } else {
        put_head(out, message);
    }
}

size_t message_begin_body(struct buffer *out, const struct message *message) {
    put_head(out, message);
    static const uint8_t zeroes[BODY_SIZE_BYTES] = {0};
    buffer_append(out, bytes_of(zeroes, sizeof(zeroes)));
    return out->size;
}

void message_end_body(struct buffer *out, size_t place) {
    if (!out->overflowed) {
        bytes_put_u32(out->data + place - BODY_SIZE_BYTES, (uint32_t)(out->size - place));
    }
}

err message_take(bytes *rest, struct message *out_message) {
    struct message message = {0};
    if (rest->size == 0 || rest->data[0] == MESSAGE_NONE || rest->data[0] >= MESSAGE_KIND_COUNT) {
        return malformed("a message of a frame is of no known kind");
    }
    message.kind = (enum message_kind)rest->data[0];
    const struct message_shape *shape = &shapes[message.kind];
    skip(rest, 1);
    TRY(take_group(rest, &message.group));
    TRY(take_number(rest, &message.term));
    TRY(take_number(rest, &message.from));
    TRY(take_number(rest, &message.to));
    for (uint8_t i = 0; i < shape->number_count; i++) {
        uint64_t value = 0;
        TRY(take_number(rest, &value));
        memcpy((uint8_t *)&message + shape->numbers[i], &value, sizeof(value));
    }
    if (shape->has_chain) {
        TRY(take_chain(rest, &message.chain));
    }
    if (shape->has_body) {
        uint32_t size = rest->size < BODY_SIZE_BYTES ? 0 : bytes_get_u32(rest->data);
        if (rest->size < BODY_SIZE_BYTES || size > rest->size - BODY_SIZE_BYTES) {
            return malformed("a body of a frame is cut");
        }
        message.body = bytes_of(rest->data + BODY_SIZE_BYTES, size);
        skip(rest, BODY_SIZE_BYTES + (size_t)size);
    }
    *out_message = message;
    return ERR_NONE;
}

// --- bodies --------------------------------------------------------------------------------------

static void put_entry_head(struct buffer *out, const struct store_entry *entry, uint64_t total) {
    put_number(out, entry->term);
    put_number(out, (uint64_t)entry->time_ms);
    put_chain(out, entry->chain);
    put_number(out, total);
}

MUST_USE static err
take_entry_head(bytes *rest, struct store_entry *out_entry, uint64_t *out_total) {
    uint64_t time = 0;
    TRY(take_number(rest, &out_entry->term));
    TRY(take_number(rest, &time));
    if (time > INT64_MAX) {
        return malformed("an entry's time is out of range");
    }
    out_entry->time_ms = (int64_t)time;
    TRY(take_chain(rest, &out_entry->chain));
    return take_number(rest, out_total);
}

void message_put_entry(struct buffer *out, const struct store_entry *entry) {
    put_entry_head(out, entry, entry->payload.size);
    buffer_append(out, entry->payload);
}

err message_take_entry(bytes *rest, struct store_entry *out_entry) {
    struct store_entry entry = {0};
    uint64_t total = 0;
    TRY(take_entry_head(rest, &entry, &total));
    if (total > rest->size) {
        return malformed("an entry of a frame is cut");
    }
    entry.payload = bytes_of(rest->data, (size_t)total);
    skip(rest, (size_t)total);
    *out_entry = entry;
    return ERR_NONE;
}

void message_put_part(
    struct buffer *out, const struct store_entry *entry, uint64_t total, bytes piece
) {
    put_entry_head(out, entry, total);
    buffer_append(out, piece);
}

err message_take_part(bytes body, struct store_entry *out_entry, uint64_t *out_total) {
    struct store_entry entry = {0};
    uint64_t total = 0;
    TRY(take_entry_head(&body, &entry, &total));
    entry.payload = body;
    *out_entry = entry;
    *out_total = total;
    return ERR_NONE;
}

void message_put_listed(struct buffer *out, group_id group, uint64_t term) {
    put_number(out, group);
    put_number(out, term);
}

err message_take_listed(bytes *rest, group_id *out_group, uint64_t *out_term) {
    TRY(take_group(rest, out_group));
    return take_number(rest, out_term);
}

const char *message_name(enum message_kind kind) {
    return shapes[kind].name;
}
