// Elements are looked at as they end, with the names of those around them; libexpat reads the XML,
// and nothing else of the tree speaks it. There is no DTD in what S3 says, so one is refused, and
// with it every entity but the five of XML.
#include "node/bucket/answer.h"

#include "proto/base/buffer.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <expat.h>
#include <string.h>

enum {
    NAME_BYTES_MAX = 32, // the names that count are shorter
    READ_BYTES = 64 * 1024
};

static const char NAME_SPACE_END = '|'; // what expat puts before a local name

struct element {
    int depth;          // 1: the root
    const char *name;   // without its name space
    const char *parent; // "" of the root
    bytes text;         // empty when there are elements inside
};

// False: what is read is not what was expected, and reading ends.
typedef bool element_fn(void *argument, const struct element *element);

struct walk {
    XML_Parser parser;
    element_fn *ended;
    void *argument;
    int depth;
    char open[LIMIT_BUCKET_XML_DEPTH][NAME_BYTES_MAX];
    struct buffer text; // since the newest element began
    bool is_leaf;       // no element ended since then
};

// --- elements ------------------------------------------------------------------------------------

static void stop(struct walk *walk) {
    (void)XML_StopParser(walk->parser, XML_FALSE);
}

static void on_start(void *argument, const XML_Char *name, const XML_Char **attributes) {
    (void)attributes;
    struct walk *walk = argument;
    if (walk->depth == LIMIT_BUCKET_XML_DEPTH) {
        stop(walk);
        return;
    }
    const char *end = strrchr(name, NAME_SPACE_END);
    const char *local = end == NULL ? name : end + 1;
    char *kept = walk->open[walk->depth++];
    size_t size = strlen(local) < NAME_BYTES_MAX ? strlen(local) : 0; // none that is asked for
    memcpy(kept, local, size);
    kept[size] = '\0';
    buffer_clear(&walk->text);
    walk->is_leaf = true;
}

static void on_end(void *argument, const XML_Char *name) {
    (void)name;
    struct walk *walk = argument;
    struct element element = {
        .depth = walk->depth,
        .name = walk->open[walk->depth - 1],
        .parent = walk->depth > 1 ? walk->open[walk->depth - 2] : "",
        .text = walk->is_leaf ? buffer_bytes(&walk->text) : BYTES_EMPTY,
    };
    walk->depth--;
    walk->is_leaf = false;
    if (!walk->ended(walk->argument, &element)) {
        stop(walk);
    }
}

static void on_text(void *argument, const XML_Char *text, int size) {
    struct walk *walk = argument;
    buffer_append(&walk->text, bytes_of((const uint8_t *)text, (size_t)size));
}

static void on_doctype(
    void *argument,
    const XML_Char *name,
    const XML_Char *system,
    const XML_Char *public,
    int internal
) {
    (void)name, (void)system, (void)public, (void)internal;
    stop(argument);
}

// Shows each element of a document as it ends. False: it is not well formed, or `ended` said so.
static bool elements_each(bytes xml, element_fn *ended, void *argument) {
    struct walk walk = {
        .parser = XML_ParserCreateNS("UTF-8", NAME_SPACE_END),
        .ended = ended,
        .argument = argument};
    check(walk.parser != NULL);
    buffer_init(&walk.text, xml.size + 1);
    XML_SetUserData(walk.parser, &walk);
    XML_SetElementHandler(walk.parser, on_start, on_end);
    XML_SetCharacterDataHandler(walk.parser, on_text);
    XML_SetStartDoctypeDeclHandler(walk.parser, on_doctype);
    enum XML_Status status = XML_STATUS_OK;
    size_t at = 0;
    do {
        size_t size = xml.size - at < READ_BYTES ? xml.size - at : READ_BYTES;
        const char *part = xml.size == 0 ? "" : (const char *)xml.data + at;
        at += size;
        status = XML_Parse(walk.parser, part, (int)size, at == xml.size);
    } while (status == XML_STATUS_OK && at < xml.size);
    XML_ParserFree(walk.parser);
    buffer_deinit(&walk.text);
    return status == XML_STATUS_OK;
}

static bool is_named(const struct element *element, int depth, const char *name) {
    return element->depth == depth && strcmp(element->name, name) == 0;
}

// --- lists ---------------------------------------------------------------------------------------

static const char NO_LIST[] = "what the service answers is no list of objects";

struct page {
    struct arena *arena;
    bucket_object_visit *visit;
    void *argument;
    err visited; // what it gave
    bytes key;
    int64_t size;
    bool is_list;
    bool truncated;
    bytes next;
};

static bool object_ended(struct page *page) {
    if (page->key.size == 0 || page->size < 0) {
        return false;
    }
    page->visited = page->visit(page->argument, page->key, (uint64_t)page->size);
    page->key = BYTES_EMPTY;
    page->size = -1;
    return !err_is(page->visited);
}

static bool page_element(void *argument, const struct element *element) {
    struct page *page = argument;
    bool of_object = element->depth == 3 && strcmp(element->parent, "Contents") == 0;
    if (of_object && strcmp(element->name, "Key") == 0) {
        page->key = arena_copy(page->arena, element->text);
    } else if (of_object && strcmp(element->name, "Size") == 0) {
        return bytes_parse_i64(bytes_trim(element->text), &page->size) && page->size >= 0;
    } else if (is_named(element, 2, "Contents")) {
        return object_ended(page);
    } else if (is_named(element, 2, "IsTruncated")) {
        page->truncated = bytes_equal_text(bytes_trim(element->text), "true");
    } else if (is_named(element, 2, "NextContinuationToken")) {
        page->next = arena_copy(page->arena, element->text);
    } else if (element->depth == 1) {
        page->is_list = strcmp(element->name, "ListBucketResult") == 0;
    }
    return true;
}

err bucket_list_read(
    bytes xml, struct arena *arena, bucket_object_visit *visit, void *argument, bytes *out_next
) {
    struct page page = {.arena = arena, .visit = visit, .argument = argument, .size = -1};
    bool read = elements_each(xml, page_element, &page);
    if (err_is(page.visited)) {
        return page.visited;
    }
    if (!read || !page.is_list || (page.truncated && page.next.size == 0)) {
        return err_make(ERR_CORRUPT, NO_LIST);
    }
    *out_next = page.truncated ? page.next : BYTES_EMPTY;
    return ERR_NONE;
}

// --- errors --------------------------------------------------------------------------------------

struct complaint {
    struct arena *arena;
    struct bucket_error error;
    bool is_error;
};

static bytes shown(bytes text, struct arena *arena) {
    uint8_t *copy = ARENA_ARRAY(arena, uint8_t, text.size + 1);
    for (size_t i = 0; i < text.size; i++) {
        copy[i] = text.data[i] < ' ' || text.data[i] > '~' ? ' ' : text.data[i];
    }
    return bytes_of(copy, text.size);
}

static bool error_element(void *argument, const struct element *element) {
    struct complaint *complaint = argument;
    struct bucket_error *error = &complaint->error;
    if (is_named(element, 2, "Code")) {
        error->code = shown(element->text, complaint->arena);
    } else if (is_named(element, 2, "Message")) {
        error->message = shown(element->text, complaint->arena);
    } else if (is_named(element, 2, "Region")) {
        error->region = shown(element->text, complaint->arena);
    } else if (element->depth == 1) {
        complaint->is_error = strcmp(element->name, "Error") == 0;
    }
    return true;
}

void bucket_error_read(bytes xml, struct arena *arena, struct bucket_error *out_error) {
    struct complaint complaint = {.arena = arena};
    bool read = elements_each(xml, error_element, &complaint);
    *out_error = read && complaint.is_error ? complaint.error : (struct bucket_error){0};
}
