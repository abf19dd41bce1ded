#include "node/backup/chunk.h"

#include "proto/limits.h"
#include "storage/keys.h"

#include <string.h>

enum {
    MAGIC_BYTES = 4,
    KIND_AT = 5,
    HEAD_AT = 8,
    BODY_AT = 12,
    CRC_AT = 16,
    ENTRY_HEAD_BYTES = 8 + 8 + 16 + 4
};

static const char MAGIC[] = "ORPB";

#define WIRE_SELF struct backup_chunk
WIRE_RECORD(backup_chunk, BACKUP_CHUNK_FIELDS)
#undef WIRE_SELF

static uint32_t crc_of(bytes front, bytes rest) {
    uint32_t crc = hash_crc32c(0, bytes_slice(front, 0, CRC_AT));
    return hash_crc32c(crc, rest);
}

void backup_chunk_write(
    enum backup_chunk_kind kind, const struct backup_chunk *head, bytes body, struct buffer *out
) {
    size_t begin = out->size;
    uint8_t *front = buffer_extend(out, BACKUP_CHUNK_FRONT_BYTES);
    wire_encode(&backup_chunk_record, head, out);
    size_t head_bytes = out->size - begin - BACKUP_CHUNK_FRONT_BYTES;
    buffer_append(out, body);
    if (front == NULL || out->overflowed) {
        return;
    }
    front = out->data + begin; // the buffer may have moved
    memcpy(front, MAGIC, MAGIC_BYTES);
    front[MAGIC_BYTES] = BACKUP_CHUNK_VERSION;
    front[KIND_AT] = (uint8_t)kind;
    bytes_put_u16(front + KIND_AT + 1, 0);
    bytes_put_u32(front + HEAD_AT, (uint32_t)head_bytes);
    bytes_put_u32(front + BODY_AT, (uint32_t)body.size);
    bytes rest = bytes_of(front + BACKUP_CHUNK_FRONT_BYTES, head_bytes + body.size);
    bytes_put_u32(front + CRC_AT, crc_of(bytes_of(front, BACKUP_CHUNK_FRONT_BYTES), rest));
}

err backup_chunk_size(bytes front, struct arena *arena, size_t *out_size) {
    if (front.size < BACKUP_CHUNK_FRONT_BYTES) {
        return err_make(ERR_CORRUPT, "a chunk is cut short");
    }
    if (memcmp(front.data, MAGIC, MAGIC_BYTES) != 0) {
        return err_make(ERR_CORRUPT, "this is no chunk of a backup");
    }
    if (front.data[MAGIC_BYTES] != BACKUP_CHUNK_VERSION) {
        return err_make(
            ERR_CORRUPT,
            arena_format(
                arena, "a chunk of version %u is another release's", front.data[MAGIC_BYTES]
            )
        );
    }
    uint64_t head = bytes_get_u32(front.data + HEAD_AT);
    uint64_t body = bytes_get_u32(front.data + BODY_AT);
    if (head + body + BACKUP_CHUNK_FRONT_BYTES > LIMIT_BACKUP_CHUNK_BYTES_MAX) {
        return err_make(ERR_CORRUPT, "a chunk is larger than any can be");
    }
    *out_size = (size_t)(BACKUP_CHUNK_FRONT_BYTES + head + body);
    return ERR_NONE;
}

static bool is_whole(enum backup_chunk_kind kind, const struct backup_chunk *head, bytes body) {
    uint64_t count = 0;
    struct store_entry entry;
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    while (body.size > 0) {
        if (kind == BACKUP_ENTRIES) {
            if (!backup_entry_take(&body, &entry)) {
                return false;
            }
        } else if (!store_writes_take(&body, &key, &value) || (kind == BACKUP_ROWS && value.data == NULL)) {
            return false;
        }
        count++;
    }
    return count == head->count;
}

err backup_chunk_read(
    bytes in,
    struct arena *arena,
    enum backup_chunk_kind *out_kind,
    struct backup_chunk *out_head,
    bytes *out_body
) {
    size_t size = 0;
    TRY(backup_chunk_size(in, arena, &size));
    if (size != in.size) {
        return err_make(ERR_CORRUPT, "a chunk has another size than it says");
    }
    bytes rest = bytes_slice(in, BACKUP_CHUNK_FRONT_BYTES, in.size);
    if (crc_of(in, rest) != bytes_get_u32(in.data + CRC_AT)) {
        return err_make(ERR_CORRUPT, "the checksum of a chunk is wrong");
    }
    uint8_t kind = in.data[KIND_AT];
    if (kind < BACKUP_ROWS || kind >= BACKUP_CHUNK_KINDS) {
        return err_make(ERR_CORRUPT, "a chunk is of a kind that this release does not know");
    }
    size_t head_bytes = bytes_get_u32(in.data + HEAD_AT);
    struct backup_chunk head = {0};
    TRY(wire_decode(&backup_chunk_record, bytes_slice(rest, 0, head_bytes), arena, &head));
    bytes body = bytes_slice(rest, head_bytes, rest.size);
    if (!is_whole((enum backup_chunk_kind)kind, &head, body)) {
        return err_make(ERR_CORRUPT, "a chunk does not hold what it says");
    }
    *out_kind = (enum backup_chunk_kind)kind;
    *out_head = head;
    *out_body = body;
    return ERR_NONE;
}

void backup_entry_put(struct buffer *body, const struct store_entry *entry) {
    uint8_t *at = buffer_extend(body, ENTRY_HEAD_BYTES);
    if (at == NULL) {
        return;
    }
    bytes_put_u64(at, entry->term);
    bytes_put_u64(at + 8, (uint64_t)entry->time_ms);
    hash128_store(entry->chain, at + 16);
    bytes_put_u32(at + 32, (uint32_t)entry->payload.size);
    buffer_append(body, entry->payload);
}

bool backup_entry_take(bytes *rest, struct store_entry *out_entry) {
    if (rest->size < ENTRY_HEAD_BYTES) {
        return false;
    }
    size_t size = bytes_get_u32(rest->data + 32);
    if (size > rest->size - ENTRY_HEAD_BYTES) {
        return false;
    }
    *out_entry = (struct store_entry){
        .term = bytes_get_u64(rest->data),
        .time_ms = (int64_t)bytes_get_u64(rest->data + 8),
        .chain = hash128_load(rest->data + 16),
        .payload = bytes_slice(*rest, ENTRY_HEAD_BYTES, ENTRY_HEAD_BYTES + size),
    };
    *rest = bytes_slice(*rest, ENTRY_HEAD_BYTES + size, rest->size);
    return true;
}

bool backup_is_own(group_id group, bytes key) {
    if (key.size == 0 || key.data[0] == KEY_MARK || key.data[0] == KEY_CONFIG) {
        return true;
    }
    bool of_members = key.data[0] == KEY_NODE || key.data[0] == KEY_PARTITION;
    return group == 0 && (of_members || key.data[0] == KEY_VERSION);
}

bool backup_is_soft(group_id group, bytes key) {
    return group != 0 && key.size > 0 && key.data[0] == KEY_POLL_DATA;
}

id128 backup_hash_pack(hash128 hash) {
    id128 packed;
    hash128_store(hash, packed.bytes);
    return packed;
}

hash128 backup_hash_unpack(id128 packed) {
    return hash128_load(packed.bytes);
}
