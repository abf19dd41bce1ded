#include "node/backup/manifest.h"

#include "node/backup/session.h"
#include "proto/base/check.h"
#include "proto/json/json.h"
#include "proto/limits.h"

#include <stdio.h>

enum {
    FORMAT = 1,
    HASH_TEXT_BYTES = 32,
    GROUPS_MAX = UINT16_MAX
};

static const char SEAL[] = ",\n\"seal\":\"";

void backup_hash_text(hash128 hash, char *out_text) {
    int size = snprintf(
        out_text,
        HASH_TEXT_BYTES + 1,
        "%016llx%016llx",
        (unsigned long long)hash.high,
        (unsigned long long)hash.low
    );
    check(size == HASH_TEXT_BYTES);
}

bool backup_hash_parse(bytes text, hash128 *out_hash) {
    uint64_t halves[2] = {0, 0};
    for (size_t i = 0; i < text.size && text.size == HASH_TEXT_BYTES; i++) {
        uint8_t digit = text.data[i];
        bool decimal = digit >= '0' && digit <= '9';
        if (!decimal && (digit < 'a' || digit > 'f')) {
            return false;
        }
        uint64_t *half = &halves[i / 16];
        *half = *half << 4 | (uint64_t)(decimal ? digit - '0' : digit - 'a' + 10);
    }
    *out_hash = (hash128){halves[0], halves[1]};
    return text.size == HASH_TEXT_BYTES;
}

// A version is plain text, so that it stands in the manifest as it is.
static bool is_plain(bytes text) {
    for (size_t i = 0; i < text.size; i++) {
        uint8_t one = text.data[i];
        if (one < ' ' || one > '~' || one == '"' || one == '\\') {
            return false;
        }
    }
    return true;
}

// --- writing -------------------------------------------------------------------------------------

static void file_write(const char *name, const struct backup_file *file, struct buffer *out) {
    char digest[HASH_TEXT_BYTES + 1];
    backup_hash_text(file->digest, digest);
    buffer_format(
        out,
        ",\"%s\":{\"bytes\":%llu,\"count\":%llu,\"digest\":\"%s\"}",
        name,
        (unsigned long long)file->bytes,
        (unsigned long long)file->count,
        digest
    );
}

static void group_write(uint32_t number, const struct backup_group *group, struct buffer *out) {
    char state[HASH_TEXT_BYTES + 1];
    backup_hash_text(group->state, state);
    buffer_format(
        out,
        "%s\n{\"partition\":%u,\"first\":%llu,\"checked\":%llu,\"mark\":%llu,\"state\":\"%s\"",
        number == 0 ? "" : ",",
        number,
        (unsigned long long)group->first,
        (unsigned long long)group->checked,
        (unsigned long long)group->mark,
        state
    );
    file_write("rows", &group->rows, out);
    file_write("log", &group->log, out);
    buffer_append_text(out, "}");
}

void backup_manifest_write(const struct backup_manifest *manifest, struct buffer *out) {
    char id[ID_TEXT_BYTES];
    bytes version = is_plain(manifest->version) ? manifest->version : BYTES_EMPTY;
    id_format(manifest->cluster, id);
    buffer_format(
        out,
        "{\"format\":%d,\"cluster\":\"%.*s\",\"backup\":%llu,\"version\":\"%.*s\",\"partitions\":[",
        (int)FORMAT,
        (int)sizeof(id),
        id,
        (unsigned long long)manifest->number,
        BYTES_ARG(version)
    );
    for (uint32_t group = 0; group < manifest->group_count; group++) {
        group_write(group, &manifest->groups[group], out);
    }
    buffer_append_text(out, "]");
    char seal[HASH_TEXT_BYTES + 1];
    backup_hash_text(hash_sip128(buffer_bytes(out)), seal);
    buffer_format(out, "%s%s\"}\n", SEAL, seal);
}

// --- reading -------------------------------------------------------------------------------------

static bool count_of(bytes object, const char *name, uint64_t *out_count) {
    bytes value = BYTES_EMPTY;
    int64_t number = -1;
    bool known = json_get_text(object, name, &value) && json_i64(value, &number) && number >= 0;
    *out_count = known ? (uint64_t)number : 0;
    return known;
}

static bool hash_of(bytes object, const char *name, struct arena *arena, hash128 *out_hash) {
    return backup_hash_parse(backup_text(object, name, arena), out_hash);
}

static bool
file_of(bytes object, const char *name, struct arena *arena, struct backup_file *out_file) {
    bytes file = BYTES_EMPTY;
    return json_get_text(object, name, &file) && json_is_object(file) &&
           count_of(file, "bytes", &out_file->bytes) && count_of(file, "count", &out_file->count) &&
           hash_of(file, "digest", arena, &out_file->digest);
}

static bool group_of(bytes object, uint32_t number, struct arena *arena, struct backup_group *out) {
    uint64_t named = 0;
    return json_is_object(object) && count_of(object, "partition", &named) && named == number &&
           count_of(object, "first", &out->first) && count_of(object, "checked", &out->checked) &&
           count_of(object, "mark", &out->mark) && hash_of(object, "state", arena, &out->state) &&
           file_of(object, "rows", arena, &out->rows) && file_of(object, "log", arena, &out->log) &&
           out->first <= out->checked && out->checked <= out->mark;
}

static bool groups_of(bytes list, struct arena *arena, struct backup_manifest *out_manifest) {
    struct json_iter iter = json_iter(list);
    bytes item = BYTES_EMPTY;
    uint32_t count = 0;
    while (json_next_element(&iter, &item)) {
        count++;
    }
    out_manifest->groups = ARENA_ARRAY(arena, struct backup_group, count + 1);
    out_manifest->group_count = 0;
    iter = json_iter(list);
    while (json_next_element(&iter, &item)) {
        uint32_t number = out_manifest->group_count++;
        if (!group_of(item, number, arena, &out_manifest->groups[number])) {
            return false;
        }
    }
    return count >= 2 && count < GROUPS_MAX;
}

// What stands before the seal, and the seal.
static bool unseal(bytes text, bytes *out_sealed, hash128 *out_seal) {
    size_t tail = sizeof(SEAL) - 1 + HASH_TEXT_BYTES + 3; // "}\n and the quote
    if (text.size < tail) {
        return false;
    }
    *out_sealed = bytes_slice(text, 0, text.size - tail);
    bytes rest = bytes_slice(text, out_sealed->size, text.size);
    bytes hash = bytes_slice(rest, sizeof(SEAL) - 1, sizeof(SEAL) - 1 + HASH_TEXT_BYTES);
    return bytes_starts_with(rest, bytes_from_text(SEAL)) && backup_hash_parse(hash, out_seal) &&
           hash128_equal(hash_sip128(*out_sealed), *out_seal);
}

err backup_manifest_read(bytes text, struct arena *arena, struct backup_manifest *out_manifest) {
    bytes sealed = BYTES_EMPTY;
    bytes root = BYTES_EMPTY;
    bytes list = BYTES_EMPTY;
    uint64_t format = 0;
    struct backup_manifest manifest = {0};
    if (!unseal(text, &sealed, &manifest.seal)) {
        return err_make(ERR_CORRUPT, "the manifest is damaged: its seal does not fit it");
    }
    if (err_is(json_validate(text, arena, &root)) || !json_is_object(root) ||
        !count_of(root, "format", &format)) {
        return err_make(ERR_CORRUPT, "the manifest is none");
    }
    if (format != FORMAT) {
        return err_make(
            ERR_CORRUPT,
            arena_format(
                arena,
                "the manifest has format %llu, which this release does not read",
                (unsigned long long)format
            )
        );
    }
    manifest.version = backup_text(root, "version", arena);
    if (!id_parse(backup_text(root, "cluster", arena), &manifest.cluster) ||
        !is_plain(manifest.version) || !count_of(root, "backup", &manifest.number) ||
        !json_get_text(root, "partitions", &list) || !json_is_array(list) ||
        !groups_of(list, arena, &manifest)) {
        return err_make(ERR_CORRUPT, "the manifest lacks something");
    }
    *out_manifest = manifest;
    return ERR_NONE;
}
