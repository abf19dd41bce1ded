// Patterns to trees, by recursive descent. Temper is read and forgotten: whether a repeat is
// greedy, lazy or possessive does not change whether all of a text matches (possessive aside, which
// is read as greedy).
#include "proto/limits.h"
#include "scheduler/expression/regex_tree_internal.h"

#include <string.h>

struct regex_parser {
    bytes text;
    size_t at;
    struct arena *arena;
    unsigned depth;
    bool fold;
    bool dot_all;
    bool lines;
};

static struct node *parse_choice(struct regex_parser *parser);

static bool read_flags(struct regex_parser *parser, bytes flags) {
    for (size_t at = 0; at < flags.size; at++) {
        switch (flags.data[at]) {
        case 'i':
            parser->fold = true;
            break;
        case 's':
            parser->dot_all = true;
            break;
        case 'm':
            parser->lines = true;
            break;
        case 'u':
        case 'U':
        case 'd':
            break;
        default:
            return false;
        }
    }
    return true;
}

const struct node *regex_parse(bytes pattern, bytes flags, struct arena *arena, bool *out_lines) {
    struct regex_parser parser = {.text = pattern, .arena = arena};
    if (!read_flags(&parser, flags)) {
        return NULL;
    }
    if (bytes_starts_with(pattern, BYTES_LITERAL("(?"))) {
        size_t end = bytes_find(pattern, 0, ')');
        if (end < pattern.size && read_flags(&parser, bytes_slice(pattern, 2, end))) {
            parser.at = end + 1;
        }
    }
    const struct node *root = parse_choice(&parser);
    *out_lines = parser.lines;
    return parser.at == pattern.size ? root : NULL;
}

// --- characters
// ------------------------------------------------------------------------------------

uint32_t regex_next_point(bytes text, size_t *at) {
    uint8_t lead = text.data[(*at)++];
    unsigned more = lead < 0xc0 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    uint32_t point = more == 0 ? lead : lead & (0x3fu >> more);
    while (more-- > 0 && *at < text.size && (text.data[*at] & 0xc0) == 0x80) {
        point = point << 6 | (text.data[(*at)++] & 0x3fu);
    }
    return point;
}

static uint32_t other_case(uint32_t point) {
    bool letter = (point | 0x20) >= 'a' && (point | 0x20) <= 'z' && point < 128;
    return letter ? point ^ 0x20 : point;
}

static bool in_ranges(const struct set *set, uint32_t point) {
    for (size_t i = 0; i < set->count; i++) {
        if (point >= set->ranges[i].from && point <= set->ranges[i].to) {
            return true;
        }
    }
    return false;
}

bool regex_set_has(const struct set *set, uint32_t point) {
    bool found = in_ranges(set, point) || (set->fold && in_ranges(set, other_case(point)));
    return found != set->negated;
}

bool regex_is_word(uint32_t point) {
    return point < 128 && (((point | 0x20) >= 'a' && (point | 0x20) <= 'z') ||
                           (point >= '0' && point <= '9') || point == '_');
}

// --- parsing
// ---------------------------------------------------------------------------------------

#define POINT_LAST 0x10ffffu

static void set_add(struct regex_parser *parser, struct set *set, uint32_t from, uint32_t to) {
    struct range *grown = ARENA_ARRAY(parser->arena, struct range, set->count + 1);
    if (set->count > 0) {
        memcpy(grown, set->ranges, set->count * sizeof *grown);
    }
    grown[set->count++] = (struct range){from, to};
    set->ranges = grown;
}

// The class of `\d` and its kin; upper case is everything else. False: not such a letter.
static bool set_add_class(struct regex_parser *parser, struct set *set, uint8_t letter) {
    struct range digits[] = {{'0', '9'}};
    struct range words[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
    struct range blanks[] = {{'\t', '\r'}, {' ', ' '}};
    uint8_t lower = letter | 0x20;
    const struct range *ranges = lower == 'd' ? digits : lower == 'w' ? words : blanks;
    size_t count = lower == 'd' ? 1 : lower == 'w' ? 4 : 2;
    if (lower != 'd' && lower != 'w' && lower != 's') {
        return false;
    }
    uint32_t gap = 0;
    for (size_t i = 0; i < count; i++) {
        if (letter == lower) {
            set_add(parser, set, ranges[i].from, ranges[i].to);
        } else {
            set_add(parser, set, gap, ranges[i].from - 1);
            gap = ranges[i].to + 1;
        }
    }
    if (letter != lower) {
        set_add(parser, set, gap, POINT_LAST);
    }
    return true;
}

// The character an escape stands for, the parser standing behind its backslash. False: no such
// escape.
static bool parse_escape(struct regex_parser *parser, uint32_t *out_point) {
    static const char letters[] = "ntrf0";
    static const char points[] = "\n\t\r\f"; // and zero
    uint8_t byte = parser->text.data[parser->at];
    const char *found = byte == 0 ? NULL : strchr(letters, byte);
    if (found != NULL) {
        parser->at++;
        *out_point = (uint32_t)points[found - letters];
        return true;
    }
    if (byte < 128 && (regex_is_word(byte) && byte != '_')) {
        return false;
    }
    *out_point = regex_next_point(parser->text, &parser->at);
    return true;
}

static bool at_end(const struct regex_parser *parser) {
    return parser->at >= parser->text.size;
}

static bool next_is(const struct regex_parser *parser, uint8_t byte) {
    return !at_end(parser) && parser->text.data[parser->at] == byte;
}

// One bound of a range in a class. False: it was a class of its own (added), or nothing
// (`*failed`).
static bool
parse_bound(struct regex_parser *parser, struct set *set, uint32_t *out_point, bool *failed) {
    if (!next_is(parser, '\\')) {
        *out_point = regex_next_point(parser->text, &parser->at);
        return true;
    }
    parser->at++;
    if (at_end(parser)) {
        *failed = true;
        return false;
    }
    if (set_add_class(parser, set, parser->text.data[parser->at])) {
        parser->at++;
        return false;
    }
    *failed = !parse_escape(parser, out_point);
    return !*failed;
}

// The parser stands behind the opening bracket.
static const struct set *parse_set(struct regex_parser *parser) {
    struct set *set = ARENA_NEW(parser->arena, struct set);
    set->fold = parser->fold;
    if (next_is(parser, '^')) {
        set->negated = true;
        parser->at++;
    }
    bool first = true;
    while (!at_end(parser) && (first || !next_is(parser, ']'))) {
        first = false;
        uint32_t from = 0;
        bool failed = false;
        if (next_is(parser, '[') || set->count > LIMIT_REGEX_RANGES) {
            return NULL;
        }
        if (!parse_bound(parser, set, &from, &failed)) {
            if (failed) {
                return NULL;
            }
            continue;
        }
        uint32_t to = from;
        bool range = next_is(parser, '-') && parser->at + 1 < parser->text.size &&
                     parser->text.data[parser->at + 1] != ']';
        if (range) {
            parser->at++;
            if (!parse_bound(parser, set, &to, &failed) || to < from) {
                return NULL;
            }
        }
        set_add(parser, set, from, to);
    }
    if (at_end(parser)) {
        return NULL;
    }
    parser->at++;
    return set;
}

static struct node *new_node(struct regex_parser *parser, enum node_kind kind) {
    struct node *node = ARENA_NEW(parser->arena, struct node);
    node->kind = kind;
    return node;
}

static struct node *set_node(struct regex_parser *parser, const struct set *set) {
    if (set == NULL) {
        return NULL;
    }
    struct node *node = new_node(parser, NODE_SET);
    node->set = set;
    return node;
}

static struct node *point_node(struct regex_parser *parser, uint32_t point) {
    struct set *set = ARENA_NEW(parser->arena, struct set);
    set->fold = parser->fold;
    set_add(parser, set, point, point);
    return set_node(parser, set);
}

static struct node *parse_group(struct regex_parser *parser) {
    if (next_is(parser, '?')) {
        parser->at++;
        if (!next_is(parser, ':')) {
            return NULL;
        }
        parser->at++;
    }
    if (++parser->depth > LIMIT_JSONPATH_DEPTH) {
        return NULL;
    }
    struct node *node = parse_choice(parser);
    parser->depth--;
    if (node == NULL || !next_is(parser, ')')) {
        return NULL;
    }
    parser->at++;
    return node;
}

static struct node *parse_escaped_atom(struct regex_parser *parser) {
    if (at_end(parser)) {
        return NULL;
    }
    uint8_t byte = parser->text.data[parser->at];
    if (byte == 'b' || byte == 'B') {
        parser->at++;
        struct node *node = new_node(parser, NODE_BORDER);
        node->negated = byte == 'B';
        return node;
    }
    struct set *set = ARENA_NEW(parser->arena, struct set);
    if (set_add_class(parser, set, byte)) {
        parser->at++;
        return set_node(parser, set);
    }
    uint32_t point = 0;
    return parse_escape(parser, &point) ? point_node(parser, point) : NULL;
}

static struct node *parse_atom(struct regex_parser *parser) {
    uint32_t point = regex_next_point(parser->text, &parser->at);
    switch (point) {
    case '(':
        return parse_group(parser);
    case '[':
        return set_node(parser, parse_set(parser));
    case '\\':
        return parse_escaped_atom(parser);
    case '^':
        return new_node(parser, NODE_BEGIN);
    case '$':
        return new_node(parser, NODE_END);
    case '.': {
        struct set *set = ARENA_NEW(parser->arena, struct set);
        set->negated = true;
        if (!parser->dot_all) {
            set_add(parser, set, '\n', '\n');
            set_add(parser, set, '\r', '\r');
        }
        return set_node(parser, set);
    }
    case '*':
    case '+':
    case '?':
    case '{':
        return NULL;
    default:
        return point_node(parser, point);
    }
}

static bool parse_number(struct regex_parser *parser, uint32_t *out_number) {
    size_t begin = parser->at;
    while (!at_end(parser) && parser->text.data[parser->at] >= '0' &&
           parser->text.data[parser->at] <= '9') {
        parser->at++;
    }
    int64_t number = 0;
    if (!bytes_parse_i64(bytes_slice(parser->text, begin, parser->at), &number) ||
        number > LIMIT_REGEX_STEPS) {
        return false;
    }
    *out_number = (uint32_t)number;
    return true;
}

// Reads `{n}`, `{n,}` or `{n,m}` behind its brace.
static bool parse_counts(struct regex_parser *parser, struct node *node) {
    if (!parse_number(parser, &node->least)) {
        return false;
    }
    node->most = node->least;
    if (next_is(parser, ',')) {
        parser->at++;
        node->most = UINT32_MAX;
        if (!next_is(parser, '}') && !parse_number(parser, &node->most)) {
            return false;
        }
    }
    if (!next_is(parser, '}') || node->most < node->least) {
        return false;
    }
    parser->at++;
    return true;
}

static struct node *parse_repeated(struct regex_parser *parser) {
    struct node *atom = parse_atom(parser);
    unsigned repeats = 0;
    while (atom != NULL && !at_end(parser) &&
           memchr("*+?{", parser->text.data[parser->at], 4) != NULL) {
        uint8_t byte = parser->text.data[parser->at++];
        struct node *repeat = new_node(parser, NODE_REPEAT);
        repeat->left = atom;
        repeat->least = byte == '+';
        repeat->most = byte == '?' ? 1 : UINT32_MAX;
        if ((byte == '{' && !parse_counts(parser, repeat)) || ++repeats > LIMIT_JSONPATH_DEPTH) {
            return NULL;
        }
        if (next_is(parser, '?') || next_is(parser, '+')) {
            parser->at++; // lazy and possessive: the same question
        }
        atom = repeat;
    }
    return atom;
}

static struct node *parse_sequence(struct regex_parser *parser) {
    struct node *left = new_node(parser, NODE_EMPTY);
    while (!at_end(parser) && !next_is(parser, '|') && !next_is(parser, ')')) {
        struct node *sequence = new_node(parser, NODE_SEQUENCE);
        sequence->left = left;
        sequence->right = parse_repeated(parser);
        if (sequence->right == NULL) {
            return NULL;
        }
        left = sequence;
    }
    return left;
}

static struct node *parse_choice(struct regex_parser *parser) {
    struct node *left = parse_sequence(parser);
    while (left != NULL && next_is(parser, '|')) {
        parser->at++;
        struct node *choice = new_node(parser, NODE_CHOICE);
        choice->left = left;
        choice->right = parse_sequence(parser);
        left = choice->right == NULL ? NULL : choice;
    }
    return left;
}
