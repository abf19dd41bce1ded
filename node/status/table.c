#include "node/status/table.h"

#include "proto/json/json.h"
#include "proto/limits.h"

// How far the others are behind in the partitions that the asked node leads.
struct lag {
    int64_t node;
    int64_t followed;   // partitions
    int64_t behind;     // of them, with entries missing
    int64_t most;       // entries
    int64_t unanswered; // of them, without an answer for a while
};

struct view {
    int64_t self;
    int64_t up;
    int64_t nodes;
    int64_t partitions;
    int64_t leaderless[LIMIT_STATUS_LEADERLESS_SHOWN];
    int64_t leaderless_count;
    struct lag lags[LIMIT_NODES];
    size_t lag_count;
};

static int64_t number_of(bytes object, const char *key) {
    bytes value = BYTES_EMPTY;
    int64_t number = 0;
    (void)(json_get_text(object, key, &value) && json_i64(value, &number));
    return number;
}

static bool is_true(bytes object, const char *key) {
    bytes value = BYTES_EMPTY;
    return json_get_text(object, key, &value) && bytes_equal_text(value, "true");
}

// --- nodes
// -----------------------------------------------------------------------------------------

static void nodes_draw(bytes nodes, struct view *view, struct buffer *out) {
    buffer_append_text(out, " node  state  leads\n");
    struct json_iter iter = json_iter(nodes);
    bytes node = BYTES_EMPTY;
    while (json_next_element(&iter, &node)) {
        bool up = is_true(node, "up");
        view->nodes++;
        view->up += up;
        buffer_format(
            out,
            "%5lld  %-5s  %5lld%s\n",
            (long long)number_of(node, "id"),
            up ? "up" : "down",
            (long long)number_of(node, "leads"),
            is_true(node, "self") ? "  asked" : ""
        );
    }
}

// --- partitions
// ------------------------------------------------------------------------------------

static struct lag *lag_of(struct view *view, int64_t node) {
    for (size_t i = 0; i < view->lag_count; i++) {
        if (view->lags[i].node == node) {
            return &view->lags[i];
        }
    }
    if (view->lag_count == LIMIT_NODES) {
        return NULL;
    }
    struct lag *added = &view->lags[view->lag_count++];
    *added = (struct lag){.node = node};
    return added;
}

static void followers_note(bytes followers, struct view *view) {
    struct json_iter iter = json_iter(followers);
    bytes follower = BYTES_EMPTY;
    while (json_next_element(&iter, &follower)) {
        struct lag *lag = lag_of(view, number_of(follower, "node"));
        if (lag == NULL) {
            continue;
        }
        int64_t entries = number_of(follower, "lag");
        lag->followed++;
        lag->behind += entries > 0;
        lag->most = entries > lag->most ? entries : lag->most;
        lag->unanswered += !is_true(follower, "answers");
    }
}

static void partitions_note(bytes partitions, struct view *view) {
    struct json_iter iter = json_iter(partitions);
    bytes partition = BYTES_EMPTY;
    while (json_next_element(&iter, &partition)) {
        view->partitions++;
        if (number_of(partition, "leader") == 0) {
            if (view->leaderless_count < LIMIT_STATUS_LEADERLESS_SHOWN) {
                view->leaderless[view->leaderless_count] = number_of(partition, "id");
            }
            view->leaderless_count++;
        }
        bytes followers = BYTES_EMPTY;
        if (json_get_text(partition, "followers", &followers) && json_is_array(followers)) {
            followers_note(followers, view);
        }
    }
}

static void leaderless_draw(const struct view *view, struct buffer *out) {
    buffer_format(
        out,
        "partitions %lld, without a leader %lld",
        (long long)view->partitions,
        (long long)view->leaderless_count
    );
    for (int64_t i = 0; i < view->leaderless_count && i < LIMIT_STATUS_LEADERLESS_SHOWN; i++) {
        buffer_format(out, "%s%lld", i == 0 ? ": " : ", ", (long long)view->leaderless[i]);
    }
    buffer_append_text(
        out, view->leaderless_count > LIMIT_STATUS_LEADERLESS_SHOWN ? ", …\n" : "\n"
    );
}

static void lags_draw(const struct view *view, struct buffer *out) {
    for (size_t i = 0; i < view->lag_count; i++) {
        const struct lag *lag = &view->lags[i];
        buffer_format(
            out,
            "node %lld follows %lld that node %lld leads: %lld behind, by %lld entries at most",
            (long long)lag->node,
            (long long)lag->followed,
            (long long)view->self,
            (long long)lag->behind,
            (long long)lag->most
        );
        if (lag->unanswered > 0) {
            buffer_format(out, "; no answer in %lld", (long long)lag->unanswered);
        }
        buffer_append_text(out, "\n");
    }
}

err status_table(bytes answer, struct arena *arena, struct buffer *out, bool *out_whole) {
    bytes root = BYTES_EMPTY;
    TRY(json_validate(answer, arena, &root));
    bytes nodes = BYTES_EMPTY;
    bytes partitions = BYTES_EMPTY;
    if (!json_get_text(root, "nodes", &nodes) || !json_is_array(nodes) ||
        !json_get_text(root, "partitions", &partitions) || !json_is_array(partitions)) {
        return err_make(ERR_INVALID, "this is not what an Orpheus node says of its cluster");
    }
    struct view view = {.self = number_of(root, "self")};
    nodes_draw(nodes, &view, out);
    partitions_note(partitions, &view);
    leaderless_draw(&view, out);
    lags_draw(&view, out);
    *out_whole = view.up == view.nodes && view.leaderless_count == 0;
    return buffer_status(out);
}
