// Elements are walked one by one as they end, with the names of those around them; attributes,
// comments and what is not asked for are passed over. There is no DTD in what S3 says, so one is
// refused, and with it all entities but the five of XML and characters by number.
#include "node/bucket/answer.h"

#include "proto/base/buffer.h"
#include "proto/limits.h"

struct walk {
    bytes rest;
    bytes open[LIMIT_BUCKET_XML_DEPTH]; // names of elements around here
    int depth;
    bytes text;   // raw, since the newest tag
    bool is_leaf; // no element ended since the newest began
};

struct element {
    int depth; // 1: the root
    bytes name;
    bytes parent;
    bytes text; // raw; empty when there are elements inside
};

enum step {
    STEP_ELEMENT,
    STEP_END,
    STEP_BAD
};

static const char NO_LIST[] = "what the service answers is no list of objects";

// --- tags ----------------------------------------------------------------------------------------

static bool is_blank(uint8_t one) {
    return one == ' ' || one == '\t' || one == '\r' || one == '\n';
}

static bytes name_of(bytes tag) {
    size_t end = 0;
    while (end < tag.size && !is_blank(tag.data[end])) {
        end++;
    }
    bytes name = bytes_slice(tag, 0, end);
    size_t colon = bytes_find(name, 0, ':'); // of whatever name space
    return colon < name.size ? bytes_slice(name, colon + 1, name.size) : name;
}

// The end of a tag: the first '>' outside of quotes.
static size_t tag_end(bytes rest) {
    uint8_t quote = 0;
    for (size_t i = 0; i < rest.size; i++) {
        uint8_t one = rest.data[i];
        if (quote != 0) {
            quote = one == quote ? 0 : quote;
        } else if (one == '"' || one == '\'') {
            quote = one;
        } else if (one == '>') {
            return i;
        }
    }
    return rest.size;
}

static bool opens(struct walk *walk, bytes name) {
    if (walk->depth == LIMIT_BUCKET_XML_DEPTH || name.size == 0) {
        return false;
    }
    walk->open[walk->depth++] = name;
    walk->is_leaf = true;
    walk->text = BYTES_EMPTY;
    return true;
}

static enum step closes(struct walk *walk, bytes name, struct element *out) {
    if (walk->depth == 0 || !bytes_equal(walk->open[walk->depth - 1], name)) {
        return STEP_BAD;
    }
    *out = (struct element){
        .depth = walk->depth,
        .name = name,
        .parent = walk->depth > 1 ? walk->open[walk->depth - 2] : BYTES_EMPTY,
        .text = walk->is_leaf ? walk->text : BYTES_EMPTY,
    };
    walk->depth--;
    walk->is_leaf = false;
    walk->text = BYTES_EMPTY;
    return STEP_ELEMENT;
}

// One tag, of which `tag` is what stands between its brackets. STEP_END: no element ended with it.
static enum step tag_take(struct walk *walk, bytes tag, struct element *out) {
    if (tag.size == 0 || tag.data[0] == '!') {
        return STEP_BAD;
    }
    if (tag.data[0] == '?') {
        return walk->depth == 0 ? STEP_END : STEP_BAD;
    }
    if (tag.data[0] == '/') {
        return closes(walk, name_of(bytes_slice(tag, 1, tag.size)), out);
    }
    bool empty = tag.data[tag.size - 1] == '/';
    bytes name = name_of(bytes_slice(tag, 0, tag.size - empty));
    if (!opens(walk, name)) {
        return STEP_BAD;
    }
    return empty ? closes(walk, name, out) : STEP_END;
}

// The next element that ends.
static enum step walk_next(struct walk *walk, struct element *out) {
    for (;;) {
        size_t bracket = bytes_find(walk->rest, 0, '<');
        bytes text = bytes_slice(walk->rest, 0, bracket);
        if (walk->depth == 0 && bytes_trim(text).size > 0) {
            return STEP_BAD;
        }
        if (bracket == walk->rest.size) {
            return walk->depth == 0 ? STEP_END : STEP_BAD;
        }
        walk->text = text;
        bytes rest = bytes_slice(walk->rest, bracket + 1, walk->rest.size);
        size_t end = tag_end(rest);
        if (end == rest.size) {
            return STEP_BAD;
        }
        walk->rest = bytes_slice(rest, end + 1, rest.size);
        enum step step = tag_take(walk, bytes_slice(rest, 0, end), out);
        if (step != STEP_END) {
            return step;
        }
    }
}

// --- text ----------------------------------------------------------------------------------------

// A character by its number, as UTF-8.
static bool character_put(int64_t number, struct buffer *out) {
    if (number < 1 || number > 0x10FFFF || (number >= 0xD800 && number < 0xE000)) {
        return false;
    }
    uint32_t point = (uint32_t)number;
    if (point < 0x80) {
        buffer_append_byte(out, (uint8_t)point);
        return true;
    }
    int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static const uint8_t first[] = {0, 0xC0, 0xE0, 0xF0};
    buffer_append_byte(out, (uint8_t)(first[more] | point >> (6 * more)));
    for (int i = more - 1; i >= 0; i--) {
        buffer_append_byte(out, (uint8_t)(0x80 | (point >> (6 * i) & 0x3F)));
    }
    return true;
}

static bool hex_parse(bytes digits, int64_t *out_number) {
    *out_number = 0;
    for (size_t i = 0; i < digits.size; i++) {
        uint8_t one = digits.data[i] | 0x20;
        bool decimal = one >= '0' && one <= '9';
        if ((!decimal && (one < 'a' || one > 'f')) || i == 6) {
            return false;
        }
        *out_number = *out_number * 16 + (decimal ? one - '0' : one - 'a' + 10);
    }
    return digits.size > 0;
}

// What stands between '&' and ';'.
static bool entity_put(bytes name, struct buffer *out) {
    static const struct {
        const char *name;
        uint8_t is;
    } known[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (bytes_equal_text(name, known[i].name)) {
            buffer_append_byte(out, known[i].is);
            return true;
        }
    }
    int64_t number = 0;
    if (name.size > 2 && name.data[0] == '#' && name.data[1] == 'x') {
        return hex_parse(bytes_slice(name, 2, name.size), &number) && character_put(number, out);
    }
    return name.size > 1 && name.data[0] == '#' &&
           bytes_parse_i64(bytes_slice(name, 1, name.size), &number) && character_put(number, out);
}

// A raw text with its entities put in. False: one is unknown.
static bool text_read(bytes raw, struct arena *arena, bytes *out_text) {
    struct buffer text;
    buffer_init(&text, raw.size + 1);
    bool good = true;
    for (size_t i = 0; i < raw.size && good; i++) {
        if (raw.data[i] != '&') {
            buffer_append_byte(&text, raw.data[i]);
            continue;
        }
        size_t end = bytes_find(raw, i, ';');
        good = end < raw.size && entity_put(bytes_slice(raw, i + 1, end), &text);
        i = end;
    }
    *out_text = arena_copy(arena, buffer_bytes(&text));
    buffer_deinit(&text);
    return good;
}

// --- lists ---------------------------------------------------------------------------------------

struct page {
    bytes key;
    int64_t size;
    bool truncated;
    bytes next;
};

static bool is_named(const struct element *element, int depth, const char *name) {
    return element->depth == depth && bytes_equal_text(element->name, name);
}

static bool page_note(struct page *page, const struct element *element, struct arena *arena) {
    bool of_object = element->depth == 3 && bytes_equal_text(element->parent, "Contents");
    if (of_object && bytes_equal_text(element->name, "Key")) {
        return text_read(element->text, arena, &page->key);
    }
    if (of_object && bytes_equal_text(element->name, "Size")) {
        return bytes_parse_i64(bytes_trim(element->text), &page->size) && page->size >= 0;
    }
    if (is_named(element, 2, "IsTruncated")) {
        page->truncated = bytes_equal_text(bytes_trim(element->text), "true");
    }
    return !is_named(element, 2, "NextContinuationToken") ||
           text_read(element->text, arena, &page->next);
}

err bucket_list_read(
    bytes xml, struct arena *arena, bucket_object_visit *visit, void *argument, bytes *out_next
) {
    struct walk walk = {.rest = xml};
    struct page page = {.size = -1};
    struct element element;
    bool is_list = false;
    enum step step = STEP_END;
    while ((step = walk_next(&walk, &element)) == STEP_ELEMENT) {
        is_list = is_named(&element, 1, "ListBucketResult");
        if (!page_note(&page, &element, arena)) {
            return err_make(ERR_CORRUPT, NO_LIST);
        }
        if (is_named(&element, 2, "Contents")) {
            if (page.key.size == 0 || page.size < 0) {
                return err_make(ERR_CORRUPT, NO_LIST);
            }
            TRY(visit(argument, page.key, (uint64_t)page.size));
            page.key = BYTES_EMPTY;
            page.size = -1;
        }
    }
    if (step == STEP_BAD || !is_list || (page.truncated && page.next.size == 0)) {
        return err_make(ERR_CORRUPT, NO_LIST);
    }
    *out_next = page.truncated ? page.next : BYTES_EMPTY;
    return ERR_NONE;
}

// --- errors --------------------------------------------------------------------------------------

static bytes shown(bytes raw, struct arena *arena) {
    bytes text = BYTES_EMPTY;
    if (!text_read(raw, arena, &text)) {
        return BYTES_EMPTY;
    }
    uint8_t *copy = ARENA_ARRAY(arena, uint8_t, text.size + 1);
    for (size_t i = 0; i < text.size; i++) {
        copy[i] = text.data[i] < ' ' || text.data[i] > '~' ? ' ' : text.data[i];
    }
    return bytes_of(copy, text.size);
}

void bucket_error_read(bytes xml, struct arena *arena, struct bucket_error *out_error) {
    struct walk walk = {.rest = xml};
    struct bucket_error error = {0};
    struct element element;
    bool is_error = false;
    enum step step = STEP_END;
    while ((step = walk_next(&walk, &element)) == STEP_ELEMENT) {
        is_error = is_named(&element, 1, "Error");
        if (is_named(&element, 2, "Code")) {
            error.code = shown(element.text, arena);
        } else if (is_named(&element, 2, "Message")) {
            error.message = shown(element.text, arena);
        } else if (is_named(&element, 2, "Region")) {
            error.region = shown(element.text, arena);
        }
    }
    *out_error = step == STEP_END && is_error ? error : (struct bucket_error){0};
}
