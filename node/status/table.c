#include "node/status/table.h"

#include "node/status/view.h"
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

struct picture {
    struct view cluster;
    int64_t self;
    int64_t up;
    int64_t nodes;
    int64_t partitions;
    int64_t leaderless[LIMIT_STATUS_LEADERLESS_SHOWN];
    int64_t leaderless_count;
    struct lag lags[LIMIT_NODES];
    size_t lag_count;
};

// --- nodes
// -----------------------------------------------------------------------------------------

// Columns that an answer with members has.
static void member_draw(const struct view_member *member, struct buffer *out) {
    if (member == NULL) {
        buffer_format(out, "  %6s  %-8s", "", "");
        return;
    }
    buffer_format(out, "  %6lld  %-8.*s", (long long)member->copies, BYTES_ARG(member->state));
    if (member->zone.size > 0) {
        buffer_format(out, "  zone %.*s", BYTES_ARG(member->zone));
    }
}

// Says nothing of a clock that is right, or not heard.
static void clock_draw(bytes node, struct buffer *out) {
    bytes word = BYTES_EMPTY;
    bool said = json_get_text(node, "clock", &word) && word.size > 2;
    word = said ? bytes_slice(word, 1, word.size - 1) : BYTES_EMPTY;
    if (said && !bytes_equal_text(word, "ok") && !bytes_equal_text(word, "unheard")) {
        buffer_format(
            out,
            "  clock %.*s, %lld ms off",
            BYTES_ARG(word),
            (long long)view_number(node, "clockOffMs", 0)
        );
    }
    buffer_append_text(out, "\n");
}

static void nodes_draw(bytes nodes, struct picture *view, struct buffer *out) {
    bool with_members = view->cluster.member_count > 0;
    buffer_format(out, " node  state  leads%s\n", with_members ? "  copies  member" : "");
    struct json_iter iter = json_iter(nodes);
    bytes node = BYTES_EMPTY;
    while (json_next_element(&iter, &node)) {
        const struct view_member *member =
            view_member_of(&view->cluster, view_number(node, "id", 0));
        if (member != NULL && bytes_equal_text(member->state, "left")) {
            continue; // it is not missed
        }
        bool up = view_is_true(node, "up");
        view->nodes++;
        view->up += up;
        buffer_format(
            out,
            "%5lld  %-5s  %5lld",
            (long long)view_number(node, "id", 0),
            up ? "up" : "down",
            (long long)view_number(node, "leads", 0)
        );
        if (with_members) {
            member_draw(member, out);
        }
        buffer_append_text(out, view_is_true(node, "self") ? "  asked" : "");
        clock_draw(node, out);
    }
}

// --- partitions
// ------------------------------------------------------------------------------------

static struct lag *lag_of(struct picture *view, int64_t node) {
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

static void followers_note(bytes followers, struct picture *view) {
    struct json_iter iter = json_iter(followers);
    bytes follower = BYTES_EMPTY;
    while (json_next_element(&iter, &follower)) {
        struct lag *lag = lag_of(view, view_number(follower, "node", 0));
        if (lag == NULL) {
            continue;
        }
        int64_t entries = view_number(follower, "lag", 0);
        lag->followed++;
        lag->behind += entries > 0;
        lag->most = entries > lag->most ? entries : lag->most;
        lag->unanswered += !view_is_true(follower, "answers");
    }
}

static void partitions_note(bytes partitions, struct picture *view) {
    struct json_iter iter = json_iter(partitions);
    bytes partition = BYTES_EMPTY;
    while (json_next_element(&iter, &partition)) {
        view->partitions++;
        if (view_number(partition, "leader", 0) == 0) {
            if (view->leaderless_count < LIMIT_STATUS_LEADERLESS_SHOWN) {
                view->leaderless[view->leaderless_count] = view_number(partition, "id", 0);
            }
            view->leaderless_count++;
        }
        bytes followers = BYTES_EMPTY;
        if (json_get_text(partition, "followers", &followers) && json_is_array(followers)) {
            followers_note(followers, view);
        }
    }
}

static void leaderless_draw(const struct picture *view, struct buffer *out) {
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

static void lags_draw(const struct picture *view, struct buffer *out) {
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

static void moves_draw(const struct view *cluster, struct buffer *out) {
    if (cluster->short_of_copies > 0) {
        buffer_format(out, "%lld partitions lack a copy\n", (long long)cluster->short_of_copies);
    }
    if (cluster->progress.known && cluster->progress.left > 0) {
        view_progress_draw(&cluster->progress, out);
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
    struct picture view = {.self = view_number(root, "self", 0)};
    TRY(view_read(answer, arena, &view.cluster));
    nodes_draw(nodes, &view, out);
    partitions_note(partitions, &view);
    leaderless_draw(&view, out);
    lags_draw(&view, out);
    moves_draw(&view.cluster, out);
    *out_whole =
        view.up == view.nodes && view.leaderless_count == 0 && view.cluster.short_of_copies == 0;
    return buffer_status(out);
}
