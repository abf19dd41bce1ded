#include "node/status/view.h"

#include "proto/json/json.h"

_Static_assert(LIMIT_NODES <= 64, "members are bits of 64");

int64_t view_number(bytes object, const char *key, int64_t otherwise) {
    bytes value = BYTES_EMPTY;
    int64_t number = otherwise;
    (void)(json_get_text(object, key, &value) && json_i64(value, &number));
    return number;
}

bool view_is_true(bytes object, const char *key) {
    bytes value = BYTES_EMPTY;
    return json_get_text(object, key, &value) && bytes_equal_text(value, "true");
}

static bytes text_of(bytes object, const char *key, struct arena *arena) {
    bytes value = BYTES_EMPTY;
    bool found = json_get_text(object, key, &value) && json_is_string(value);
    return found ? json_string(value, arena) : BYTES_EMPTY;
}

static bool list_of(bytes object, const char *key, bytes *out_list) {
    return json_get_text(object, key, out_list) && json_is_array(*out_list);
}

const struct view_member *view_member_of(const struct view *view, int64_t node) {
    for (size_t at = 0; at < view->member_count; at++) {
        if (view->members[at].node == node) {
            return &view->members[at];
        }
    }
    return NULL;
}

// --- reading
// -----------------------------------------------------------------------------------------

static void members_read(bytes members, struct arena *arena, struct view *view) {
    struct json_iter iter = json_iter(members);
    bytes member = BYTES_EMPTY;
    while (view->member_count < LIMIT_NODES && json_next_element(&iter, &member)) {
        view->members[view->member_count++] = (struct view_member){
            .node = view_number(member, "nodeId", 0),
            .state = text_of(member, "state", arena),
            .zone = text_of(member, "zone", arena),
            .address = text_of(member, "address", arena),
        };
    }
}

// Which members are in a list, as bits by their place among the members.
static uint64_t places_read(bytes partition, const char *key, const struct view *view) {
    bytes list = BYTES_EMPTY;
    bytes item = BYTES_EMPTY;
    uint64_t places = 0;
    if (!list_of(partition, key, &list)) {
        return 0;
    }
    struct json_iter iter = json_iter(list);
    while (json_next_element(&iter, &item)) {
        int64_t node = 0;
        (void)json_i64(item, &node);
        for (size_t at = 0; at < view->member_count; at++) {
            places |= (uint64_t)(view->members[at].node == node) << at;
        }
    }
    return places;
}

// Copies are those that are there, that are made, and that are planned: the asked node may know of
// the plan only.
static void partition_read(bytes partition, struct view *view) {
    bytes voters = BYTES_EMPTY;
    bytes target = BYTES_EMPTY;
    uint64_t places = places_read(partition, "voters", view) |
                      places_read(partition, "learners", view) |
                      places_read(partition, "planned", view);
    for (size_t at = 0; at < view->member_count; at++) {
        view->members[at].copies += (int64_t)(places >> at & 1);
    }
    if (list_of(partition, "voters", &voters) && list_of(partition, "target", &target)) {
        view->short_of_copies += json_count(voters) < json_count(target);
    }
}

static void partitions_read(bytes partitions, struct view *view) {
    struct json_iter iter = json_iter(partitions);
    bytes partition = BYTES_EMPTY;
    while (json_next_element(&iter, &partition)) {
        if (view_number(partition, "id", 0) != 0) { // the system group is on every node
            partition_read(partition, view);
        }
    }
}

err view_read(bytes answer, struct arena *arena, struct view *out_view) {
    bytes root = BYTES_EMPTY;
    bytes members = BYTES_EMPTY;
    bytes partitions = BYTES_EMPTY;
    bytes progress = BYTES_EMPTY;
    *out_view = (struct view){0};
    TRY(json_validate(answer, arena, &root));
    if (!list_of(root, "partitions", &partitions)) {
        return err_make(ERR_INVALID, "this is not what an Orpheus node says of its cluster");
    }
    if (list_of(root, "members", &members)) {
        members_read(members, arena, out_view);
    }
    partitions_read(partitions, out_view);
    if (json_get_text(root, "progress", &progress) && json_is_object(progress)) {
        out_view->progress = (struct view_progress){
            .known = true,
            .done = view_number(progress, "movesDone", 0),
            .left = view_number(progress, "movesLeft", 0),
            .moving = view_number(progress, "moving", 0),
            .bytes_per_second = view_number(progress, "bytesPerSecond", 0),
            .seconds_left = view_number(progress, "secondsLeft", -1),
            .paused = view_is_true(progress, "paused"),
        };
    }
    return ERR_NONE;
}

// --- drawing
// ------------------------------------------------------------------------------------------

void view_progress_draw(const struct view_progress *progress, struct buffer *out) {
    buffer_format(
        out,
        "%lld of %lld moves done",
        (long long)progress->done,
        (long long)progress->done + (long long)progress->left
    );
    if (progress->left == 0) {
        return;
    }
    buffer_format(
        out,
        ", %lld under way, %.1f MB/s",
        (long long)progress->moving,
        (double)progress->bytes_per_second / 1e6
    );
    if (progress->seconds_left >= 0) {
        buffer_format(out, ", %lld s left", (long long)progress->seconds_left);
    }
    buffer_append_text(out, progress->paused ? ", paused: the nodes have enough to do" : "");
}
