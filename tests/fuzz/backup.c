// The formats of a backup. Input: `u8 what`, then a chunk, a chunk's head and body that get the
// right front, a manifest, or a manifest's text that gets the right seal.
//
// It is refused, or what was read is read again, the same, from its own writing.
#include "node/backup/chunk.h"
#include "node/backup/manifest.h"
#include "proto/limits.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

enum what {
    WHAT_CHUNK,
    WHAT_CONTENT, // u8 kind, u8 bytes of the head, head, body
    WHAT_MANIFEST,
    WHAT_TEXT,
    WHAT_COUNT
};

enum {
    TEXT_BYTES_MAX = 256 * 1024
};

static void read_chunk(bytes in, struct arena *arena) {
    enum backup_chunk_kind kind = BACKUP_CHUNK_KINDS;
    enum backup_chunk_kind again = BACKUP_CHUNK_KINDS;
    struct backup_chunk head;
    struct backup_chunk head_again;
    bytes body = BYTES_EMPTY;
    bytes body_again = BYTES_EMPTY;
    if (err_is(backup_chunk_read(in, arena, &kind, &head, &body))) {
        return;
    }
    struct buffer out;
    buffer_init(&out, LIMIT_BACKUP_CHUNK_BYTES_MAX);
    backup_chunk_write(kind, &head, body, &out);
    check(!err_is(buffer_status(&out)));
    check(!err_is(backup_chunk_read(buffer_bytes(&out), arena, &again, &head_again, &body_again)));
    check(
        kind == again && bytes_equal(body, body_again) && bytes_equal(head.next, head_again.next)
    );
    check(head.count == head_again.count && head.index == head_again.index);
    buffer_deinit(&out);
}

// A head and a body under a right checksum: what a reader sees of whoever can count one.
static void read_content(bytes in, struct arena *arena) {
    if (in.size < 2) {
        return;
    }
    size_t head = in.data[1];
    bytes rest = bytes_slice(in, 2, in.size);
    head = head < rest.size ? head : rest.size;
    size_t size = BACKUP_CHUNK_FRONT_BYTES + rest.size;
    uint8_t *chunk = arena_alloc(arena, size);
    memcpy(chunk, "ORPB\1", 5);
    chunk[5] = in.data[0];
    bytes_put_u16(chunk + 6, 0);
    bytes_put_u32(chunk + 8, (uint32_t)head);
    bytes_put_u32(chunk + 12, (uint32_t)(rest.size - head));
    if (rest.size > 0) {
        memcpy(chunk + BACKUP_CHUNK_FRONT_BYTES, rest.data, rest.size);
    }
    uint32_t crc = hash_crc32c(0, bytes_of(chunk, 16));
    bytes_put_u32(chunk + 16, hash_crc32c(crc, rest));
    read_chunk(bytes_of(chunk, size), arena);
}

static void read_manifest(bytes in, struct arena *arena) {
    struct backup_manifest manifest;
    struct backup_manifest again;
    if (err_is(backup_manifest_read(in, arena, &manifest))) {
        return;
    }
    struct buffer out;
    buffer_init(&out, TEXT_BYTES_MAX);
    backup_manifest_write(&manifest, &out);
    check(!err_is(buffer_status(&out)));
    check(!err_is(backup_manifest_read(buffer_bytes(&out), arena, &again)));
    check(manifest.group_count == again.group_count && manifest.number == again.number);
    check(bytes_equal(manifest.version, again.version));
    for (uint32_t i = 0; i < manifest.group_count; i++) {
        check(memcmp(&manifest.groups[i], &again.groups[i], sizeof(manifest.groups[i])) == 0);
    }
    buffer_deinit(&out);
}

static void read_text(bytes in, struct arena *arena) {
    char seal[33];
    backup_hash_text(hash_sip128(in), seal);
    read_manifest(
        bytes_from_text(arena_format(arena, "%.*s,\n\"seal\":\"%s\"}\n", BYTES_ARG(in), seal)),
        arena
    );
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    if (size == 0 || size > TEXT_BYTES_MAX / 8) {
        return 0;
    }
    struct arena *arena = arena_create(4096);
    bytes in = bytes_of(input + 1, size - 1);
    switch ((enum what)(input[0] % WHAT_COUNT)) {
    case WHAT_CHUNK:
        read_chunk(in, arena);
        break;
    case WHAT_CONTENT:
        read_content(in, arena);
        break;
    case WHAT_MANIFEST:
        read_manifest(in, arena);
        break;
    case WHAT_TEXT:
        read_text(in, arena);
        break;
    case WHAT_COUNT:
        break;
    }
    arena_destroy(&arena);
    return 0;
}
