// A file is two things: `durable`, what survives, and the writes that are not durable yet, in
// order. A sync applies them; a crash applies any of their sectors in any order. A sync that failed
// forgets them: as on Linux they never reach the medium, so that a retry that "succeeds" is caught
// lying.
//
// Names: a list of changes since the last sync of the directory; a crash keeps a prefix of it, as a
// journal does.
#include "proto/base/check.h"
#include "storage/memory/faults.h"

#include <stdlib.h>
#include <string.h>

struct pending_write {
    uint64_t offset;
    size_t size;
    uint8_t *content;
};

// The inode: lives while a name or a handle refers to it.
struct file {
    uint32_t references;
    uint64_t size;
    uint8_t *durable;
    struct pending_write *writes;
    size_t writes_count;
    size_t writes_capacity;
};

struct name {
    char text[DISK_NAME_BYTES_MAX + 1];
    struct file *file;
};

struct names {
    struct name *items;
    size_t count;
    size_t capacity;
};

enum change_kind {
    CHANGE_ADD,
    CHANGE_RENAME,
    CHANGE_REMOVE
};

struct change {
    enum change_kind kind;
    char from[DISK_NAME_BYTES_MAX + 1];
    char to[DISK_NAME_BYTES_MAX + 1];
    struct file *file; // ADD
};

struct memory_disk {
    struct disk disk;
    struct memory_faults *faults;
    struct names cached;
    struct names durable;
    struct change *changes;
    size_t changes_count;
    size_t changes_capacity;
    uint64_t generation; // of crashes: handles of an earlier one are void
};

struct disk_file {
    struct file *file;
    uint64_t generation;
};

static const struct disk_operations OPERATIONS;

static const err STOPPED = {ERR_IO, "the power is gone"};

static struct memory_disk *of(struct disk *disk) {
    return (struct memory_disk *)disk;
}

// --- files ---------------------------------------------------------------------------------------

static struct file *file_create(uint64_t size) {
    struct file *file = calloc(1, sizeof(*file));
    check(file != NULL);
    file->size = size;
    file->durable = calloc(1, (size_t)size + 1);
    check(file->durable != NULL);
    return file;
}

static void writes_forget(struct file *file) {
    for (size_t i = 0; i < file->writes_count; i++) {
        free(file->writes[i].content);
    }
    file->writes_count = 0;
}

static void file_release(struct file *file) {
    file->references--;
    if (file->references == 0) {
        writes_forget(file);
        free(file->writes);
        free(file->durable);
        free(file);
    }
}

static void write_remember(struct file *file, uint64_t offset, const void *from, size_t size) {
    if (file->writes_count == file->writes_capacity) {
        file->writes_capacity = file->writes_capacity == 0 ? 8 : 2 * file->writes_capacity;
        file->writes = realloc(file->writes, file->writes_capacity * sizeof(struct pending_write));
        check(file->writes != NULL);
    }
    struct pending_write write = {.offset = offset, .size = size, .content = malloc(size + 1)};
    check(write.content != NULL);
    memcpy(write.content, from, size);
    file->writes[file->writes_count++] = write;
}

static void writes_apply(struct file *file) {
    for (size_t i = 0; i < file->writes_count; i++) {
        const struct pending_write *write = &file->writes[i];
        memcpy(file->durable + write->offset, write->content, write->size);
    }
    writes_forget(file);
}

static void write_survives_in_part(
    struct file *file, const struct pending_write *write, struct random *random
) {
    uint64_t keep = random_below(random, 3); // none, all, some
    for (size_t at = 0; at < write->size;) {
        size_t sector = DISK_SECTOR_BYTES - (size_t)((write->offset + at) % DISK_SECTOR_BYTES);
        size_t size = write->size - at < sector ? write->size - at : sector;
        if (keep == 1 || (keep == 2 && random_one_in(random, 2))) {
            memcpy(file->durable + write->offset + at, write->content + at, size);
        }
        at += size;
    }
}

// Any sectors of the pending writes reach the medium; of two writes to one sector either, whichever
// came last by luck.
static void writes_survive_in_part(struct file *file, struct random *random) {
    while (file->writes_count > 0) {
        size_t i = (size_t)random_below(random, file->writes_count);
        write_survives_in_part(file, &file->writes[i], random);
        free(file->writes[i].content);
        file->writes[i] = file->writes[--file->writes_count];
    }
}

// --- names ---------------------------------------------------------------------------------------

static struct name *names_find(const struct names *names, const char *text) {
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i].text, text) == 0) {
            return &names->items[i];
        }
    }
    return NULL;
}

static void names_remove(struct names *names, const char *text) {
    struct name *name = names_find(names, text);
    if (name != NULL) {
        file_release(name->file);
        *name = names->items[--names->count];
    }
}

static void names_add(struct names *names, const char *text, struct file *file) {
    file->references++;
    names_remove(names, text);
    if (names->count == names->capacity) {
        names->capacity = names->capacity == 0 ? 8 : 2 * names->capacity;
        names->items = realloc(names->items, names->capacity * sizeof(struct name));
        check(names->items != NULL);
    }
    struct name *name = &names->items[names->count++];
    check(strlen(text) <= DISK_NAME_BYTES_MAX);
    memcpy(name->text, text, strlen(text) + 1);
    name->file = file;
}

static void names_clear(struct names *names) {
    while (names->count > 0) {
        file_release(names->items[--names->count].file);
    }
}

static void names_apply(struct names *names, const struct change *change) {
    struct name *from = NULL;
    switch (change->kind) {
    case CHANGE_ADD:
        names_add(names, change->to, change->file);
        return;
    case CHANGE_RENAME:
        from = names_find(names, change->from);
        if (from != NULL) {
            struct file *file = from->file;
            file->references++;
            names_remove(names, change->from);
            names_add(names, change->to, file);
            file_release(file);
        }
        return;
    case CHANGE_REMOVE:
        names_remove(names, change->from);
        return;
    }
}

static void change_make(struct memory_disk *disk, struct change change) {
    if (disk->changes_count == disk->changes_capacity) {
        disk->changes_capacity = disk->changes_capacity == 0 ? 8 : 2 * disk->changes_capacity;
        disk->changes = realloc(disk->changes, disk->changes_capacity * sizeof(change));
        check(disk->changes != NULL);
    }
    if (change.file != NULL) {
        change.file->references++;
    }
    names_apply(&disk->cached, &change);
    disk->changes[disk->changes_count++] = change;
}

// Makes the first `count` changes durable and forgets all.
static void changes_apply(struct memory_disk *disk, size_t count) {
    for (size_t i = 0; i < disk->changes_count; i++) {
        if (i < count) {
            names_apply(&disk->durable, &disk->changes[i]);
        }
        if (disk->changes[i].file != NULL) {
            file_release(disk->changes[i].file);
        }
    }
    disk->changes_count = 0;
}

// --- operations ----------------------------------------------------------------------------------

static uint64_t bytes_used(const struct memory_disk *disk) {
    uint64_t used = 0;
    for (size_t i = 0; i < disk->cached.count; i++) {
        used += disk->cached.items[i].file->size;
    }
    return used;
}

static struct disk_file *handle_create(struct memory_disk *disk, struct file *file) {
    struct disk_file *handle = malloc(sizeof(*handle));
    check(handle != NULL);
    *handle = (struct disk_file){file, disk->generation};
    file->references++;
    return handle;
}

static err create(struct disk *base, const char *name, uint64_t size, struct disk_file **out_file) {
    struct memory_disk *disk = of(base);
    struct memory_faults *faults = disk->faults;
    enum memory_outcome outcome = memory_faults_step(faults);
    if (outcome == MEMORY_STOPPED) {
        return STOPPED;
    }
    bool full = faults->full_at_bytes > 0 && bytes_used(disk) + size > faults->full_at_bytes;
    if (full || memory_faults_draw(faults, faults->full_one_in)) {
        return err_make(ERR_FULL, "no room left on the device");
    }
    struct file *file = file_create(size);
    struct disk_file *handle = handle_create(disk, file);
    struct change change = {.kind = CHANGE_ADD, .file = file};
    strncpy(change.to, name, DISK_NAME_BYTES_MAX);
    change_make(disk, change);
    if (outcome == MEMORY_STOPPING || memory_faults_draw(faults, faults->write_fails_one_in)) {
        file_release(file);
        free(handle);
        return outcome == MEMORY_STOPPING ? STOPPED : err_make(ERR_IO, "a file cannot be made");
    }
    *out_file = handle;
    return ERR_NONE;
}

static err open_file(struct disk *base, const char *name, struct disk_file **out_file) {
    const struct name *found = names_find(&of(base)->cached, name);
    if (found == NULL) {
        return err_make(ERR_NOT_FOUND, "no such file");
    }
    *out_file = handle_create(of(base), found->file);
    return ERR_NONE;
}

static void close_file(struct disk *base, struct disk_file *file) {
    (void)base;
    file_release(file->file);
    free(file);
}

static bool is_void(const struct memory_disk *disk, const struct disk_file *file) {
    return file->generation != disk->generation;
}

static err size_of(struct disk *base, struct disk_file *file, uint64_t *out_size) {
    if (is_void(of(base), file)) {
        return STOPPED;
    }
    *out_size = file->file->size;
    return ERR_NONE;
}

// Reading past the cache writes pending bytes out first, as the system does.
static err
read_direct(struct disk *base, struct disk_file *handle, uint64_t offset, void *into, size_t size) {
    struct file *file = handle->file;
    if (is_void(of(base), handle)) {
        return STOPPED;
    }
    check(offset % DISK_BLOCK_BYTES == 0);
    check(size % DISK_BLOCK_BYTES == 0);
    check((uintptr_t)into % DISK_BLOCK_BYTES == 0);
    if (offset > file->size || size > file->size - offset) {
        return err_make(ERR_IO, "a read past the end of a file");
    }
    memcpy(into, file->durable + offset, size);
    for (size_t i = 0; i < file->writes_count; i++) {
        const struct pending_write *write = &file->writes[i];
        uint64_t from = write->offset > offset ? write->offset : offset;
        uint64_t to = write->offset + write->size < offset + size ? write->offset + write->size
                                                                  : offset + size;
        if (from < to) {
            memcpy(
                (uint8_t *)into + (from - offset),
                write->content + (from - write->offset),
                (size_t)(to - from)
            );
        }
    }
    return ERR_NONE;
}

static err write_file(
    struct disk *base, struct disk_file *handle, uint64_t offset, const void *from, size_t size
) {
    struct memory_disk *disk = of(base);
    struct memory_faults *faults = disk->faults;
    enum memory_outcome outcome = memory_faults_step(faults);
    if (outcome == MEMORY_STOPPED || is_void(disk, handle)) {
        return STOPPED;
    }
    struct file *file = handle->file;
    check(offset <= file->size);
    check(size <= file->size - offset);
    write_remember(file, offset, from, size);
    if (outcome == MEMORY_STOPPING) {
        return STOPPED;
    }
    return memory_faults_draw(faults, faults->write_fails_one_in)
               ? err_make(ERR_IO, "a write was refused")
               : ERR_NONE;
}

static err sync_file(struct disk *base, struct disk_file *handle) {
    struct memory_disk *disk = of(base);
    struct memory_faults *faults = disk->faults;
    enum memory_outcome outcome = memory_faults_step(faults);
    if (outcome == MEMORY_STOPPED || is_void(disk, handle)) {
        return STOPPED;
    }
    if (outcome == MEMORY_STOPPING) {
        return STOPPED; // the writes are pending still: memory_disk_crash decides
    }
    if (memory_faults_draw(faults, faults->sync_fails_one_in)) {
        writes_survive_in_part(handle->file, &faults->random);
        return err_make(ERR_IO, "a sync failed");
    }
    writes_apply(handle->file);
    return ERR_NONE;
}

static err sync_directory(struct disk *base) {
    struct memory_disk *disk = of(base);
    struct memory_faults *faults = disk->faults;
    if (memory_faults_step(faults) != MEMORY_DONE) {
        return STOPPED;
    }
    if (memory_faults_draw(faults, faults->sync_fails_one_in)) {
        changes_apply(disk, (size_t)random_below(&faults->random, disk->changes_count + 1));
        return err_make(ERR_IO, "a sync of the directory failed");
    }
    changes_apply(disk, disk->changes_count);
    return ERR_NONE;
}

static err change_name(struct memory_disk *disk, struct change change) {
    enum memory_outcome outcome = memory_faults_step(disk->faults);
    if (outcome == MEMORY_STOPPED) {
        return STOPPED;
    }
    if (names_find(&disk->cached, change.from) == NULL) {
        return err_make(ERR_NOT_FOUND, "no such file");
    }
    change_make(disk, change);
    return outcome == MEMORY_STOPPING ? STOPPED : ERR_NONE;
}

static err rename_file(struct disk *base, const char *from, const char *to) {
    struct change change = {.kind = CHANGE_RENAME};
    strncpy(change.from, from, DISK_NAME_BYTES_MAX);
    strncpy(change.to, to, DISK_NAME_BYTES_MAX);
    return change_name(of(base), change);
}

static err remove_file(struct disk *base, const char *name) {
    struct change change = {.kind = CHANGE_REMOVE};
    strncpy(change.from, name, DISK_NAME_BYTES_MAX);
    return change_name(of(base), change);
}

static err
list(struct disk *base, void (*visit)(void *argument, const char *name), void *argument) {
    const struct names *names = &of(base)->cached;
    for (size_t i = 0; i < names->count; i++) {
        visit(argument, names->items[i].text);
    }
    return ERR_NONE;
}

static const struct disk_operations OPERATIONS = {
    .create = create,
    .open = open_file,
    .close = close_file,
    .size = size_of,
    .read_direct = read_direct,
    .write = write_file,
    .sync = sync_file,
    .sync_directory = sync_directory,
    .rename = rename_file,
    .remove = remove_file,
    .list = list,
};

// --- the whole disk ------------------------------------------------------------------------------

struct disk *memory_disk_create(struct memory_faults *faults) {
    struct memory_disk *disk = calloc(1, sizeof(*disk));
    check(disk != NULL);
    disk->disk.operations = &OPERATIONS;
    disk->faults = faults;
    return &disk->disk;
}

void memory_disk_destroy(struct disk **base) {
    if (*base != NULL) {
        struct memory_disk *disk = of(*base);
        changes_apply(disk, 0);
        names_clear(&disk->cached);
        names_clear(&disk->durable);
        free(disk->cached.items);
        free(disk->durable.items);
        free(disk->changes);
        free(disk);
        *base = NULL;
    }
}

void memory_disk_crash(struct disk *base) {
    struct memory_disk *disk = of(base);
    struct random *random = &disk->faults->random;
    changes_apply(disk, (size_t)random_below(random, disk->changes_count + 1));
    names_clear(&disk->cached);
    for (size_t i = 0; i < disk->durable.count; i++) {
        struct file *file = disk->durable.items[i].file;
        writes_survive_in_part(file, random);
        names_add(&disk->cached, disk->durable.items[i].text, file);
    }
    disk->generation++;
    disk->faults->stop_at = 0;
}

uint64_t memory_disk_used(struct disk *base) {
    return bytes_used(of(base));
}

bool memory_disk_damage(struct disk *base, const char *name, uint64_t offset, size_t size) {
    struct name *found = names_find(&of(base)->durable, name);
    if (found == NULL || offset > found->file->size || size > found->file->size - offset) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        found->file->durable[offset + i] ^= 0x55;
    }
    return true;
}

bool memory_disk_content(struct disk *base, const char *name, bytes *out_content) {
    const struct name *found = names_find(&of(base)->durable, name);
    if (found == NULL) {
        return false;
    }
    *out_content = bytes_of(found->file->durable, (size_t)found->file->size);
    return true;
}

struct disk *memory_disk_copy(struct disk *base, struct memory_faults *faults) {
    const struct names *names = &of(base)->durable;
    struct disk *copy = memory_disk_create(faults);
    for (size_t i = 0; i < names->count; i++) {
        const struct file *original = names->items[i].file;
        struct file *file = file_create(original->size);
        memcpy(file->durable, original->durable, (size_t)file->size);
        names_add(&of(copy)->cached, names->items[i].text, file);
        names_add(&of(copy)->durable, names->items[i].text, file);
    }
    return copy;
}
