#include "node/shell/identity.h"

#include "proto/base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_BYTES_MAX = 64 * 1024,
};

static const char *const STATES[] = {
#define IDENTITY_STATE_WORD(name, word) word,
    IDENTITY_STATES(IDENTITY_STATE_WORD)
#undef IDENTITY_STATE_WORD
};

// --- lists
// -------------------------------------------------------------------------------------------

bool identity_list_put(struct identity_list *list, uint16_t node, bytes address) {
    size_t at = 0;
    while (at < list->count && list->items[at].node < node) {
        at++;
    }
    bool known = at < list->count && list->items[at].node == node;
    if (address.size > LIMIT_GOSSIP_ADDRESS_BYTES || (!known && list->count == LIMIT_NODES) ||
        (known && bytes_equal_text(address, list->items[at].address))) {
        return false;
    }
    if (!known) {
        memmove(
            &list->items[at + 1], &list->items[at], (list->count - at) * sizeof(list->items[0])
        );
        list->count++;
    }
    list->items[at] = (struct identity_node){.node = node};
    memcpy(list->items[at].address, address.data, address.size);
    return true;
}

bool identity_list_drop(struct identity_list *list, uint16_t node) {
    for (size_t at = 0; at < list->count; at++) {
        if (list->items[at].node == node) {
            list->count--;
            memmove(
                &list->items[at], &list->items[at + 1], (list->count - at) * sizeof(list->items[0])
            );
            return true;
        }
    }
    return false;
}

// --- the text
// ----------------------------------------------------------------------------------------

static void print_id(struct buffer *out, const char *name, id128 id) {
    char text[ID_TEXT_BYTES];
    if (!id_is_zero(id)) {
        id_format(id, text);
        buffer_format(out, "%s = %.*s\n", name, (int)sizeof(text), text);
    }
}

static void print_list(struct buffer *out, const char *name, const struct identity_list *list) {
    for (size_t at = 0; at < list->count; at++) {
        buffer_format(
            out, "%s = %u %s\n", name, (unsigned)list->items[at].node, list->items[at].address
        );
    }
}

void identity_print(const struct identity *identity, struct buffer *out) {
    buffer_append_text(
        out,
        "# Who the node of this store is. Written by the server; a copy of it beside another store "
        "lies.\n"
    );
    buffer_format(out, "state = %s\n", STATES[identity->state]);
    buffer_format(out, "joined = %s\n", identity->joined ? "true" : "false");
    print_id(out, "store", identity->store_id);
    print_id(out, "cluster", identity->cluster_id);
    buffer_format(out, "node = %u\n", (unsigned)identity->node);
    buffer_format(out, "partitions = %u\n", (unsigned)identity->partitions);
    buffer_format(out, "replicas = %u\n", (unsigned)identity->replicas);
    print_list(out, "first", &identity->first);
    print_list(out, "known", &identity->known);
}

static bool parse_state(bytes value, enum identity_state *out_state) {
    for (int state = 0; state < IDENTITY_STATE_COUNT; state++) {
        if (bytes_equal_text(value, STATES[state])) {
            *out_state = (enum identity_state)state;
            return true;
        }
    }
    return false;
}

static bool parse_number(bytes value, int64_t most, uint32_t *out_number) {
    int64_t number = 0;
    if (!bytes_parse_i64(value, &number) || number < 0 || number > most) {
        return false;
    }
    *out_number = (uint32_t)number;
    return true;
}

static bool parse_node(bytes value, struct identity_list *list) {
    size_t blank = bytes_find(value, 0, ' ');
    uint32_t node = 0;
    return blank < value.size && parse_number(bytes_slice(value, 0, blank), UINT16_MAX, &node) &&
           node > 0 &&
           identity_list_put(list, (uint16_t)node, bytes_slice(value, blank + 1, value.size));
}

static bool parse_field(bytes name, bytes value, struct identity *identity) {
    if (bytes_equal_text(name, "state")) {
        return parse_state(value, &identity->state);
    }
    if (bytes_equal_text(name, "joined")) {
        identity->joined = bytes_equal_text(value, "true");
        return identity->joined || bytes_equal_text(value, "false");
    }
    if (bytes_equal_text(name, "store")) {
        return id_parse(value, &identity->store_id);
    }
    if (bytes_equal_text(name, "cluster")) {
        return id_parse(value, &identity->cluster_id);
    }
    if (bytes_equal_text(name, "node")) {
        uint32_t node = 0;
        bool valid = parse_number(value, UINT16_MAX, &node);
        identity->node = (uint16_t)node;
        return valid;
    }
    if (bytes_equal_text(name, "partitions")) {
        return parse_number(value, UINT16_MAX, &identity->partitions);
    }
    if (bytes_equal_text(name, "replicas")) {
        return parse_number(value, LIMIT_NODES, &identity->replicas);
    }
    if (bytes_equal_text(name, "first")) {
        return parse_node(value, &identity->first);
    }
    return bytes_equal_text(name, "known") && parse_node(value, &identity->known);
}

// Whether all is there that its state promises.
static bool is_whole(const struct identity *identity) {
    if (identity->state == IDENTITY_ASKS) {
        return !id_is_zero(identity->store_id);
    }
    return identity->state != IDENTITY_NONE && !id_is_zero(identity->cluster_id) &&
           identity->node > 0 && identity->partitions > 0 && identity->first.count > 0;
}

err identity_parse(bytes text, struct arena *arena, struct identity *out_identity) {
    *out_identity = (struct identity){0};
    while (text.size > 0) {
        size_t end = bytes_find(text, 0, '\n');
        bytes line = bytes_trim(bytes_slice(text, 0, end));
        size_t equals = bytes_find(line, 0, '=');
        text = bytes_slice(text, end < text.size ? end + 1 : end, text.size);
        if (line.size == 0 || line.data[0] == '#') {
            continue;
        }
        if (equals == line.size || !parse_field(
                                       bytes_trim(bytes_slice(line, 0, equals)),
                                       bytes_trim(bytes_slice(line, equals + 1, line.size)),
                                       out_identity
                                   )) {
            return err_make(
                ERR_CORRUPT, arena_format(arena, "line '%.*s' is not understood", BYTES_ARG(line))
            );
        }
    }
    return is_whole(out_identity) ? ERR_NONE : err_make(ERR_CORRUPT, "it is not whole");
}

// --- the file
// ----------------------------------------------------------------------------------------

err identity_load(const char *folder, struct arena *arena, struct identity *out_identity) {
    const char *path = arena_format(arena, "%s/identity", folder);
    *out_identity = (struct identity){0};
    FILE *file = fopen(path, "r");
    if (file == NULL && errno == ENOENT) {
        return ERR_NONE;
    }
    if (file == NULL) {
        return err_make(ERR_IO, arena_format(arena, "'%s' cannot be read", path));
    }
    uint8_t *text = arena_alloc(arena, FILE_BYTES_MAX);
    size_t size = fread(text, 1, FILE_BYTES_MAX, file);
    (void)fclose(file);
    err read = identity_parse(bytes_of(text, size), arena, out_identity);
    return err_is(read) ? err_make(read.code, arena_format(arena, "'%s': %s", path, read.text))
                        : ERR_NONE;
}

static bool write_durably(const char *path, bytes text) {
    FILE *file = fopen(path, "w");
    bool written = file != NULL && fwrite(text.data, 1, text.size, file) == text.size &&
                   fflush(file) == 0 && fsync(fileno(file)) == 0;
    if (file != NULL) {
        written = fclose(file) == 0 && written;
    }
    return written;
}

err identity_save(const char *folder, const struct identity *identity, struct arena *arena) {
    const char *path = arena_format(arena, "%s/identity", folder);
    const char *next = arena_format(arena, "%s/identity.next", folder);
    struct buffer text;
    buffer_init(&text, FILE_BYTES_MAX);
    identity_print(identity, &text);
    check(!err_is(buffer_status(&text)));
    bool written = (mkdir(folder, 0700) == 0 || errno == EEXIST) &&
                   write_durably(next, buffer_bytes(&text)) && rename(next, path) == 0;
    int directory = written ? open(folder, O_RDONLY | O_DIRECTORY) : -1;
    written = directory >= 0 && fsync(directory) == 0;
    if (directory >= 0) {
        (void)close(directory);
    }
    buffer_deinit(&text);
    return written ? ERR_NONE
                   : err_make(ERR_IO, arena_format(arena, "'%s' cannot be written", path));
}
