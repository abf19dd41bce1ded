// S3 has no appending, so a file is a run of objects `NAME.00000000`, `NAME.00000001` …, each put
// whole or not at all. What is appended is held until it makes an object of
// LIMIT_BUCKET_SEGMENT_BYTES, or until the file is synchronised; a backup that is cut short loses
// what was held, which is the end of each file, and goes on from there. The manifest is an object
// of its own name.
//
// Rejected: multipart uploads. Their parts are seen in no list of objects, must be asked for one
// upload at a time, cost money until somebody ends them, and have at least 5 MiB.
#include "node/bucket/bucket.h"

#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NUMBER_DIGITS = 8,
    OBJECT_NAME_BYTES = BACKUP_NAME_BYTES + 1 + NUMBER_DIGITS
};

struct file {
    char name[BACKUP_NAME_BYTES];
    bool is_whole;  // one object of the file's own name
    uint64_t *ends; // of its objects, in the file
    uint32_t count;
    uint32_t room;
    struct buffer held; // behind them
    struct file *next;
};

struct bucket {
    struct bucket_client client;
    struct arena *arena; // of the newest request
    struct file *files;
    size_t held;             // of all files
    const struct file *seen; // whose object was read last
    uint32_t seen_number;
    struct buffer seen_content;
};

// --- files ---------------------------------------------------------------------------------------

static struct file *find(const struct bucket *bucket, bytes name) {
    struct file *file = bucket->files;
    while (file != NULL && !bytes_equal_text(name, file->name)) {
        file = file->next;
    }
    return file;
}

static struct file *find_or_make(struct bucket *bucket, bytes name) {
    struct file *file = find(bucket, name);
    if (file == NULL) {
        file = calloc(1, sizeof(*file));
        check(file != NULL && name.size < sizeof(file->name));
        memcpy(file->name, name.data, name.size);
        buffer_init(&file->held, LIMIT_BUCKET_SEGMENT_BYTES + LIMIT_BACKUP_CHUNK_BYTES_MAX);
        file->next = bucket->files;
        bucket->files = file;
    }
    return file;
}

static uint64_t stored_bytes(const struct file *file) {
    return file->count == 0 ? 0 : file->ends[file->count - 1];
}

static void object_add(struct file *file, uint64_t size) {
    if (file->count == file->room) {
        file->room = file->room == 0 ? 16 : 2 * file->room;
        file->ends = realloc(file->ends, file->room * sizeof(*file->ends));
        check(file->ends != NULL);
    }
    uint64_t begin = stored_bytes(file);
    file->ends[file->count++] = begin + size;
}

static uint64_t object_begin(const struct file *file, uint32_t number) {
    return number == 0 ? 0 : file->ends[number - 1];
}

// `out_name` has OBJECT_NAME_BYTES.
static void object_name(const struct file *file, uint32_t number, char *out_name) {
    int size = file->is_whole
                   ? snprintf(out_name, OBJECT_NAME_BYTES, "%s", file->name)
                   : snprintf(out_name, OBJECT_NAME_BYTES, "%s.%08u", file->name, number);
    check(size > 0 && size < OBJECT_NAME_BYTES);
}

static void hold_no_more(struct bucket *bucket, struct file *file) {
    bucket->held -= file->held.size;
    buffer_clear(&file->held);
}

// Puts what is held of a file as its next object.
static err put_held(struct bucket *bucket, struct file *file) {
    char name[OBJECT_NAME_BYTES];
    if (file->held.size == 0) {
        return ERR_NONE;
    }
    object_name(file, file->count, name);
    TRY(bucket_put(&bucket->client, name, buffer_bytes(&file->held), bucket->arena));
    object_add(file, file->held.size);
    hold_no_more(bucket, file);
    return ERR_NONE;
}

// So that all files together hold no more than they may.
static err put_largest(struct bucket *bucket) {
    while (bucket->held > LIMIT_BUCKET_HELD_BYTES) {
        struct file *largest = NULL;
        for (struct file *file = bucket->files; file != NULL; file = file->next) {
            bool larger = largest == NULL || file->held.size > largest->held.size;
            largest = larger ? file : largest;
        }
        check(largest != NULL);
        TRY(put_held(bucket, largest));
    }
    return ERR_NONE;
}

// --- what was there before -----------------------------------------------------------------------

// An object's name apart: the file's, and its number in there. False: it is none of ours.
static bool name_read(bytes name, bytes *out_file, uint32_t *out_number) {
    if (name.size <= NUMBER_DIGITS + 1 || name.size >= OBJECT_NAME_BYTES) {
        return false;
    }
    size_t dot = name.size - NUMBER_DIGITS - 1;
    *out_file = bytes_slice(name, 0, dot);
    *out_number = 0;
    bool good = name.data[dot] == '.' && out_file->size < BACKUP_NAME_BYTES;
    for (size_t i = dot + 1; i < name.size && good; i++) {
        good = name.data[i] >= '0' && name.data[i] <= '9';
        *out_number = *out_number * 10 + (uint32_t)(name.data[i] - '0');
    }
    return good && bytes_starts_with(name, BYTES_LITERAL("partition-"));
}

static err object_note(void *argument, bytes name, uint64_t size) {
    struct bucket *bucket = argument;
    bytes of_file = BYTES_EMPTY;
    uint32_t number = 0;
    if (bytes_equal_text(name, BACKUP_MANIFEST)) {
        struct file *file = find_or_make(bucket, name);
        file->is_whole = true;
        object_add(file, size);
    } else if (name_read(name, &of_file, &number)) {
        struct file *file = find_or_make(bucket, of_file);
        if (number != file->count) {
            return err_make(
                ERR_CORRUPT,
                arena_format(
                    bucket->arena,
                    "object %s.%08u is missing, and others behind it are there",
                    file->name,
                    file->count
                )
            );
        }
        if (size > LIMIT_BUCKET_SEGMENT_BYTES + LIMIT_BACKUP_CHUNK_BYTES_MAX) {
            return err_make(ERR_CORRUPT, "an object is larger than any of a backup can be");
        }
        object_add(file, size);
    }
    return ERR_NONE;
}

// --- as a folder ---------------------------------------------------------------------------------

// Texts of the newest request may go; those of errors lived long enough.
static struct bucket *begun(void *argument) {
    struct bucket *bucket = argument;
    arena_reset(bucket->arena);
    return bucket;
}

static err size_of(void *argument, const char *name, uint64_t *out_size) {
    const struct file *file = find(begun(argument), bytes_from_text(name));
    *out_size = file == NULL ? 0 : stored_bytes(file) + file->held.size;
    return ERR_NONE;
}

// The object's content, which is kept until another is asked for.
static err object_load(struct bucket *bucket, const struct file *file, uint32_t number) {
    if (bucket->seen == file && bucket->seen_number == number) {
        return ERR_NONE;
    }
    char name[OBJECT_NAME_BYTES];
    bytes content = BYTES_EMPTY;
    size_t size = (size_t)(file->ends[number] - object_begin(file, number));
    bucket->seen = NULL;
    object_name(file, number, name);
    TRY(bucket_get(&bucket->client, name, size, bucket->arena, &content));
    buffer_clear(&bucket->seen_content);
    buffer_append(&bucket->seen_content, content);
    TRY(buffer_status(&bucket->seen_content));
    bucket->seen = file;
    bucket->seen_number = number;
    return ERR_NONE;
}

// The object in which a byte lies that is stored.
static uint32_t object_at(const struct file *file, uint64_t offset) {
    uint32_t low = 0;
    uint32_t high = file->count - 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (file->ends[middle] > offset) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

static err read_at(void *argument, const char *name, uint64_t offset, size_t wanted, uint8_t *out) {
    struct bucket *bucket = begun(argument);
    const struct file *file = find(bucket, bytes_from_text(name));
    if (file == NULL || offset + wanted > stored_bytes(file) + file->held.size) {
        return err_make(ERR_CORRUPT, "a file of the backup is shorter than it was");
    }
    while (wanted > 0) {
        bytes content = buffer_bytes(&file->held);
        uint64_t begin = stored_bytes(file);
        if (offset < begin) {
            uint32_t number = object_at(file, offset);
            TRY(object_load(bucket, file, number));
            content = buffer_bytes(&bucket->seen_content);
            begin = object_begin(file, number);
        }
        size_t from = (size_t)(offset - begin);
        size_t part = content.size - from < wanted ? content.size - from : wanted;
        memcpy(out, content.data + from, part);
        out += part;
        offset += part;
        wanted -= part;
    }
    return ERR_NONE;
}

static err append(void *argument, const char *name, bytes content) {
    struct bucket *bucket = begun(argument);
    struct file *file = find_or_make(bucket, bytes_from_text(name));
    buffer_append(&file->held, content);
    TRY(buffer_status(&file->held));
    bucket->held += content.size;
    if (file->held.size >= LIMIT_BUCKET_SEGMENT_BYTES) {
        TRY(put_held(bucket, file));
    }
    return put_largest(bucket);
}

// The last object first: whatever is left when this is cut short is the beginning of the file.
static err cut(void *argument, const char *name, uint64_t size) {
    struct bucket *bucket = begun(argument);
    struct file *file = find(bucket, bytes_from_text(name));
    if (file == NULL || size >= stored_bytes(file) + file->held.size) {
        return ERR_NONE;
    }
    if (size >= stored_bytes(file)) {
        size_t kept = (size_t)(size - stored_bytes(file));
        bucket->held -= file->held.size - kept;
        file->held.size = kept;
        return ERR_NONE;
    }
    hold_no_more(bucket, file);
    while (size < stored_bytes(file)) {
        char object[OBJECT_NAME_BYTES];
        uint32_t number = file->count - 1;
        size_t kept =
            size > object_begin(file, number) ? (size_t)(size - object_begin(file, number)) : 0;
        if (kept > 0) {
            TRY(object_load(bucket, file, number));
            buffer_append(&file->held, bytes_slice(buffer_bytes(&bucket->seen_content), 0, kept));
            bucket->held += kept;
        }
        object_name(file, number, object);
        bucket->seen = NULL;
        TRY(bucket_delete(&bucket->client, object, bucket->arena));
        file->count--;
    }
    return ERR_NONE;
}

static err sync_file(void *argument, const char *name) {
    struct bucket *bucket = begun(argument);
    struct file *file = find(bucket, bytes_from_text(name));
    bool forgotten = file == NULL || mutant_is("bucket_forgets_the_rest");
    return forgotten ? ERR_NONE : put_held(bucket, file);
}

static err publish(void *argument, const char *name, bytes content) {
    struct bucket *bucket = begun(argument);
    struct file *file = find_or_make(bucket, bytes_from_text(name));
    TRY(bucket_put(&bucket->client, name, content, bucket->arena));
    file->is_whole = true;
    file->count = 0;
    object_add(file, content.size);
    return ERR_NONE;
}

// --- life ----------------------------------------------------------------------------------------

err bucket_open(
    const struct bucket_client *client, struct arena *arena, struct backup_folder *out_folder
) {
    struct bucket *bucket = calloc(1, sizeof(*bucket));
    check(bucket != NULL);
    bucket->client = *client;
    bucket->arena = arena_create(LIMIT_ARENA_BLOCK_BYTES);
    buffer_init(&bucket->seen_content, LIMIT_BUCKET_SEGMENT_BYTES + LIMIT_BACKUP_CHUNK_BYTES_MAX);
    *out_folder = (struct backup_folder){
        .argument = bucket,
        .size = size_of,
        .read = read_at,
        .append = append,
        .cut = cut,
        .sync = sync_file,
        .publish = publish,
    };
    err listed = bucket_list(&bucket->client, bucket->arena, object_note, bucket);
    if (err_is(listed)) {
        listed.text = arena_text(arena, bytes_from_text(listed.text));
        bucket_close(out_folder);
    }
    return listed;
}

void bucket_close(struct backup_folder *folder) {
    struct bucket *bucket = folder->argument;
    if (bucket == NULL) {
        return;
    }
    while (bucket->files != NULL) {
        struct file *file = bucket->files;
        bucket->files = file->next;
        buffer_deinit(&file->held);
        free(file->ends);
        free(file);
    }
    buffer_deinit(&bucket->seen_content);
    arena_destroy(&bucket->arena);
    free(bucket);
    folder->argument = NULL;
}
