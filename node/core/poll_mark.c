// Who polled when: the newest poll of each (type, domain), in memory at once, in its row now and
// then.
#include "node/core/interest.h"
#include "node/core/node_internal.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <stdlib.h>
#include <string.h>

bytes poll_text_keep(bytes text) {
    if (text.data == NULL) {
        return BYTES_EMPTY;
    }
    uint8_t *copy = malloc(text.size + 1);
    check(copy != NULL);
    memcpy(copy, text.size > 0 ? text.data : (const uint8_t *)"", text.size);
    return bytes_of(copy, text.size);
}

void poll_text_drop(bytes *text) {
    union {
        const uint8_t *borrowed;
        void *owned;
    } kept = {.borrowed = text->data};
    free(kept.owned);
    *text = BYTES_EMPTY;
}

void poll_marks_destroy(struct node *node) {
    while (node->poll_mark_first != NULL) {
        struct poll_mark *mark = node->poll_mark_first;
        node->poll_mark_first = mark->next;
        poll_text_drop(&mark->row.type);
        poll_text_drop(&mark->row.domain);
        poll_text_drop(&mark->row.worker);
        free(mark);
    }
}

static struct poll_mark *poll_mark_of(struct node *node, bytes type, bytes domain) {
    uint64_t hash = queue_hash(queue_name(type, domain, node->arena));
    struct poll_mark *mark = table_get(&node->poll_marks, hash);
    if (mark == NULL) {
        mark = calloc(1, sizeof(*mark));
        check(mark != NULL);
        mark->written_ms = INT64_MIN / 2;
        mark->row.type = poll_text_keep(type);
        mark->row.domain = poll_text_keep(domain);
        mark->next = node->poll_mark_first;
        node->poll_mark_first = mark;
        table_put(&node->poll_marks, hash, mark);
    }
    return mark;
}

void poll_mark(struct node *node, const struct poll_wish *wish) {
    struct poll_mark *mark = poll_mark_of(node, wish->type, wish->domain);
    mark->row.time_ms = node->time.ms;
    if (!bytes_equal(mark->row.worker, wish->worker)) {
        poll_text_drop(&mark->row.worker);
        mark->row.worker = poll_text_keep(wish->worker);
    }
    group_id group = poll_row_group(&node->settings, wish->type);
    node_id leader = node_leader(node, group);
    int64_t every = leader == node->self ? LIMIT_POLL_ROW_MS : LIMIT_POLL_TELL_MS;
    every = wish->domain.data == NULL ? every : LIMIT_POLL_ROW_DOMAIN_MS;
    if (node->time.ms - mark->written_ms < every) {
        return;
    }
    if (leader != node->self) {
        if (node_peer_is_up(node, leader)) {
            struct peer_polled said = {wish->type, wish->domain, wish->worker};
            riders_add(node, leader, PEER_POLLED, &peer_polled_record, &said);
            mark->written_ms = node->time.ms;
        }
        return;
    }
    struct decision decision;
    if (err_is(node_decision_begin(node, group, &decision))) {
        return;
    }
    if (err_is(record_poll(&decision, &mark->row))) {
        (void)node_decision_abort(node, &decision);
        return;
    }
    (void)node_decision_commit(node, &decision);
    mark->written_ms = node->time.ms;
}

static void
poll_row_write(struct node *node, const struct poll_row *row, struct json_writer *writer) {
    const struct poll_mark *mark =
        table_get(&node->poll_marks, queue_hash(queue_name(row->type, row->domain, node->arena)));
    const struct poll_row *newest = mark != NULL ? &mark->row : row;
    json_object_begin(writer);
    json_member_text(writer, "queueName", row->type);
    if (row->domain.size > 0) {
        json_member_text(writer, "domain", row->domain);
    }
    if (newest->worker.data != NULL) {
        json_member_text(writer, "workerId", newest->worker);
    }
    json_member_int(writer, "lastPollTime", newest->time_ms);
    json_object_end(writer);
}

static err group_poll_rows_write(
    struct node *node, group_id group, struct key from, struct json_writer *writer
) {
    struct store_cursor *cursor = store_cursor_open(node->store, NULL, group, key_bytes(&from));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    err status = ERR_NONE;
    while (!err_is(status) && store_cursor_next(cursor, &key, &value)) {
        struct poll_row row;
        if (!bytes_starts_with(key, key_bytes(&from))) {
            break;
        }
        status = wire_decode(&poll_row_record, value, node->arena, &row);
        if (!err_is(status)) {
            poll_row_write(node, &row, writer);
        }
    }
    store_cursor_close(&cursor);
    return status;
}

err poll_rows_write(
    struct node *node, const struct request *request, bytes type, struct buffer *out
) {
    struct json_writer writer = json_writer(out);
    json_array_begin(&writer);
    if (type.size > 0) {
        struct key from = key_poll_data_prefix(queue_hash(type));
        TRY(group_poll_rows_write(node, poll_row_group(&node->settings, type), from, &writer));
    } else {
        // Group 0 holds the system's rows, among them other ones that begin with the same letter.
        for (uint32_t group = 1; group < node->settings.group_count; group++) {
            struct key from = key_kind_prefix(KEY_POLL_DATA);
            if (request_covers(request, (group_id)group)) {
                TRY(group_poll_rows_write(node, (group_id)group, from, &writer));
            }
        }
    }
    json_array_end(&writer);
    return buffer_status(out);
}
