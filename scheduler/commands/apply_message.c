// One message from another group: its effect and the watermark in one write-set (distributed.md
// §9).
//
// A handler records and leaves a CONTINUE timer; it decides nothing, so what a workflow does next
// cannot hold up the stream. Whatever is wrong with a message's business becomes a message back.
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "proto/json/json.h"
#include "scheduler/commands/commands.h"
#include "scheduler/definition/catalog.h"
#include "scheduler/ending.h"
#include "scheduler/message.h"
#include "scheduler/permit.h"
#include "scheduler/renewal.h"
#include "scheduler/revival.h"
#include "scheduler/tasks/kind.h"
#include "scheduler/timer.h"
#include "storage/keys.h"

static err check_is_next(struct decision *decision, group_id source, uint64_t sequence);
static err start_execution(struct decision *decision, const struct message_row *message);
static err create(struct decision *decision, const struct message_row *message);
static err definition_for(
    struct decision *decision,
    const struct message_row *message,
    const struct definition **out_definition
);
static err refuse(struct decision *decision, const struct message_row *message, const char *text);
static err child_done(struct decision *decision, const struct message_row *message);
static err terminate_child(struct decision *decision, const struct message_row *message);
static bool is_business(err error);

err apply_message(
    struct decision *decision, group_id source, uint64_t sequence, bytes message_text
) {
    struct message_row message = {0};
    message_text = arena_copy(decision->arena, message_text);
    TRY(wire_decode(&message_row_record, message_text, decision->arena, &message));
    TRY(check_is_next(decision, source, sequence));
    switch ((enum message_kind)message.kind) {
    case MESSAGE_START_CHILD:
    case MESSAGE_START_FAILURE:
        TRY(start_execution(decision, &message));
        break;
    case MESSAGE_CHILD_DONE:
        TRY(child_done(decision, &message));
        break;
    case MESSAGE_TERMINATE_CHILD:
        TRY(terminate_child(decision, &message));
        break;
    case MESSAGE_REVIVE_PARENT:
        TRY(revival_of_parent(decision, &message));
        break;
    case MESSAGE_RESUME_CHILD:
        TRY(revival_of_child(decision, &message));
        break;
    case MESSAGE_PERMITS_ASKED:
    case MESSAGE_PERMITS_GIVEN:
    case MESSAGE_PERMITS_RETURNED:
        TRY(permits_message(decision, source, &message));
        break;
    case MESSAGE_PERMITS_STATED:
        TRY(renewal_stated(decision, source, &message));
        break;
    case MESSAGE_CHECK_CHILD:
        TRY(renewal_check_child(decision, &message));
        break;
    }
    if (mutant_is("watermark_elsewhere")) {
        return ERR_NONE;
    }
    struct watermark_row watermark = {.sequence = sequence};
    struct key key = key_inbox(source);
    row_put(decision->txn, &key, &watermark_row_record, &watermark);
    return ERR_NONE;
}

// Whoever hands messages on may be wrong; what is applied here says the row (distributed.md §9).
static err check_is_next(struct decision *decision, group_id source, uint64_t sequence) {
    struct key key = key_inbox(source);
    struct watermark_row watermark = {0};
    err error = row_get(decision->txn, &key, &watermark_row_record, decision->arena, &watermark);
    if (error.code != ERR_NOT_FOUND) {
        TRY(error);
    }
    check(sequence == watermark.sequence + 1);
    return ERR_NONE;
}

err message_watermark(
    struct store *store, group_id group, group_id source, uint64_t *out_sequence
) {
    struct key key = key_inbox(source);
    bytes value = BYTES_EMPTY;
    err error = store_get(store, group, key_bytes(&key), &value);
    if (error.code == ERR_NOT_FOUND) {
        *out_sequence = 0;
        return ERR_NONE;
    }
    TRY(error);
    // The record has no lists: the decoder takes no memory.
    struct watermark_row watermark = {0};
    TRY(wire_decode(&watermark_row_record, value, NULL, &watermark));
    *out_sequence = watermark.sequence;
    return ERR_NONE;
}

void acknowledge_messages(struct decision *decision, group_id destination, uint64_t sequence) {
    struct key prefix = key_outbox_prefix(destination);
    struct store_cursor *cursor = store_cursor_open(
        decision->store, decision->txn, store_txn_group(decision->txn), key_bytes(&prefix)
    );
    uint64_t *sequences = NULL;
    size_t count = 0;
    size_t capacity = 0;
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    struct key_outbox_parts parts;
    while (store_cursor_next(cursor, &key, &value) && key_outbox_parse(key, &parts) &&
           parts.destination == destination && parts.sequence <= sequence) {
        if (count == capacity) {
            size_t more = capacity == 0 ? 64 : capacity * 2;
            uint64_t *grown = ARENA_ARRAY(decision->arena, uint64_t, more);
            for (size_t i = 0; i < count; i++) {
                grown[i] = sequences[i];
            }
            sequences = grown;
            capacity = more;
        }
        sequences[count++] = parts.sequence;
    }
    store_cursor_close(&cursor);
    for (size_t i = 0; i < count; i++) {
        struct key row = key_outbox(destination, sequences[i]);
        store_txn_del(decision->txn, key_bytes(&row));
    }
}

static err start_execution(struct decision *decision, const struct message_row *message) {
    struct key key = key_workflow(message->workflow);
    bytes present = BYTES_EMPTY;
    err found = store_txn_get(decision->txn, key_bytes(&key), &present);
    if (found.code != ERR_NOT_FOUND) {
        TRY(found);
        return (message->flags & MESSAGE_ASKS_AGAIN) != 0 ? renewal_tell_again(decision, message)
                                                          : ERR_NONE;
    }
    err error = create(decision, message);
    return is_business(error) ? refuse(decision, message, error.text) : error;
}

static err create(struct decision *decision, const struct message_row *message) {
    const struct definition *definition = NULL;
    if (message->depth > LIMIT_WORKFLOW_DEPTH) {
        return err_make(ERR_ILLEGAL_STATE, "Sub workflows are nested too deep: more than 1000");
    }
    TRY(definition_for(decision, message, &definition));
    TRY(task_kinds_check(definition, decision->arena));
    bool has_correlation = (message->flags & MESSAGE_HAS_CORRELATION) != 0;
    struct workflow_seed seed = {
        .id = message->workflow,
        .definition = definition,
        .input = message->input.size > 0 ? message->input : JSON_EMPTY_OBJECT,
        .task_to_domain = message->task_to_domain,
        .correlation = has_correlation && message->correlation.data == NULL ? BYTES_LITERAL("")
                                                                            : message->correlation,
        .external_input = message->external_input,
        .priority = message->priority,
        .parent = message->parent,
        .parent_task = message->parent_task,
        .parent_run = message->parent_run,
        .parent_task_no = message->parent_task_no,
        .parent_attempt = message->parent_attempt,
        .depth = message->depth,
    };
    struct workflow *workflow = NULL;
    TRY(workflow_create(decision, &seed, &workflow));
    timer_continue(workflow);
    workflow_save(workflow);
    return ERR_NONE;
}

static err definition_for(
    struct decision *decision,
    const struct message_row *message,
    const struct definition **out_definition
) {
    if (message->definition.size == 0) {
        return catalog_start_definition(
            decision->definitions,
            decision->store,
            message->name,
            message->version,
            decision->arena,
            out_definition
        );
    }
    bytes bound = BYTES_EMPTY;
    bytes frozen = BYTES_EMPTY;
    hash128 hash = {0, 0};
    TRY(api_bind(&api_workflow_definition_model, message->definition, decision->arena, &bound));
    TRY(catalog_freeze(decision->store, bound, decision->arena, &frozen, &hash));
    return definition_cache_compile(decision->definitions, hash, frozen, out_definition);
}

// What the sender could have known better, as opposed to trouble of our own.
static bool is_business(err error) {
    return error.code == ERR_INVALID || error.code == ERR_NOT_FOUND || error.code == ERR_CONFLICT ||
           error.code == ERR_TOO_LARGE || error.code == ERR_ILLEGAL_STATE ||
           error.code == ERR_UNSUPPORTED;
}

static err refuse(struct decision *decision, const struct message_row *message, const char *text) {
    if (id_is_zero(message->parent)) {
        return ERR_NONE;
    }
    struct message_row answer = {
        .kind = MESSAGE_CHILD_DONE,
        .flags = MESSAGE_HAS_REASON | MESSAGE_NOT_STARTED,
        .workflow = message->workflow,
        .parent = message->parent,
        .parent_task = message->parent_task,
        .parent_run = message->parent_run,
        .parent_task_no = message->parent_task_no,
        .parent_attempt = message->parent_attempt,
        .name = message->name,
        .version = message->version,
        .status = API_WORKFLOW_FAILED,
        .reason = bytes_from_text(text),
    };
    return message_send(decision, message_group_of(decision, message->parent), &answer);
}

// Counts only for the attempt that is waiting for exactly this child.
static err child_done(struct decision *decision, const struct message_row *message) {
    struct workflow *workflow = NULL;
    err opened = workflow_open_id(decision, message->parent, &workflow);
    if (opened.code == ERR_NOT_FOUND) {
        return ERR_NONE;
    }
    TRY(opened);
    if (workflow->row.run != message->parent_run ||
        message->parent_task_no >= workflow->row.next_task_no) {
        return ERR_NONE;
    }
    struct task *task = NULL;
    TRY(task_find(workflow, message->parent_task_no, &task));
    bytes child = workflow_id_text(decision, message->workflow);
    if (task == NULL || task_is_terminal(task) ||
        task->row.retry_count != message->parent_attempt || !bytes_equal(task->row.child, child)) {
        return ERR_NONE;
    }
    bytes output = message->output;
    struct message_row answer = *message;
    answer.output = output.size > 0 ? output : JSON_EMPTY_OBJECT;
    TRY(sub_workflow_done(task, &answer));
    timer_continue(workflow);
    workflow_save(workflow);
    return ERR_NONE;
}

static err terminate_child(struct decision *decision, const struct message_row *message) {
    struct workflow *workflow = NULL;
    err opened = workflow_open_id(decision, message->workflow, &workflow);
    if (opened.code == ERR_NOT_FOUND) {
        return ERR_NONE;
    }
    TRY(opened);
    if (workflow_is_terminal(workflow) || !id_equal(workflow->row.parent, message->parent)) {
        return ERR_NONE;
    }
    // A child that went on by itself brings its parent back: the parent will want to know its end.
    if ((workflow->row.flags & WORKFLOW_REVIVED) == 0) {
        workflow->row.flags |= WORKFLOW_ENDED_BY_PARENT;
    }
    workflow_want_end(workflow, API_WORKFLOW_TERMINATED, message->reason, NULL);
    TRY(ending_apply(workflow, false));
    workflow_save(workflow);
    return ERR_NONE;
}
