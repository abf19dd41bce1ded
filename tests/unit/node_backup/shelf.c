#include "tests/unit/node_backup/shelf.h"

#include "proto/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHELF_FILES_MAX = 256,
    FILE_BYTES_MAX = 256 * 1024 * 1024
};

struct shelf {
    struct {
        char name[BACKUP_NAME_BYTES];
        struct buffer content;
    } files[SHELF_FILES_MAX];
    size_t count;
};

struct shelf *shelf_create(void) {
    struct shelf *shelf = calloc(1, sizeof(*shelf));
    check(shelf != NULL);
    return shelf;
}

void shelf_destroy(struct shelf **shelf) {
    for (size_t i = 0; *shelf != NULL && i < (*shelf)->count; i++) {
        buffer_deinit(&(*shelf)->files[i].content);
    }
    free(*shelf);
    *shelf = NULL;
}

static struct buffer *file_of(struct shelf *shelf, const char *name, bool make) {
    for (size_t i = 0; i < shelf->count; i++) {
        if (strcmp(shelf->files[i].name, name) == 0) {
            return &shelf->files[i].content;
        }
    }
    if (!make) {
        return NULL;
    }
    check(shelf->count < SHELF_FILES_MAX && strlen(name) < BACKUP_NAME_BYTES);
    memcpy(shelf->files[shelf->count].name, name, strlen(name) + 1);
    struct buffer *file = &shelf->files[shelf->count++].content;
    buffer_init(file, FILE_BYTES_MAX);
    return file;
}

static err size(void *argument, const char *name, uint64_t *out_size) {
    const struct buffer *file = file_of(argument, name, false);
    *out_size = file == NULL ? 0 : file->size;
    return ERR_NONE;
}

static err read_at(void *argument, const char *name, uint64_t offset, size_t wanted, uint8_t *out) {
    const struct buffer *file = file_of(argument, name, false);
    if (file == NULL || offset + wanted > file->size) {
        return err_make(ERR_IO, "the file is shorter");
    }
    if (wanted > 0) {
        memcpy(out, file->data + offset, wanted);
    }
    return ERR_NONE;
}

static err append(void *argument, const char *name, bytes content) {
    struct buffer *file = file_of(argument, name, true);
    buffer_append(file, content);
    return buffer_status(file);
}

static err cut(void *argument, const char *name, uint64_t bytes_left) {
    struct buffer *file = file_of(argument, name, true);
    check(bytes_left <= file->size);
    file->size = (size_t)bytes_left;
    return ERR_NONE;
}

static err sync_file(void *argument, const char *name) {
    (void)file_of(argument, name, true);
    return ERR_NONE;
}

static err publish(void *argument, const char *name, bytes content) {
    struct buffer *file = file_of(argument, name, true);
    buffer_clear(file);
    return append(argument, name, content);
}

struct backup_folder shelf_folder(struct shelf *shelf) {
    return (struct backup_folder){
        .argument = shelf,
        .size = size,
        .read = read_at,
        .append = append,
        .cut = cut,
        .sync = sync_file,
        .publish = publish,
    };
}

bool shelf_damage(struct shelf *shelf, const char *name, uint64_t offset) {
    struct buffer *file = file_of(shelf, name, false);
    if (file == NULL || offset >= file->size) {
        return false;
    }
    file->data[offset] ^= 1;
    return true;
}
