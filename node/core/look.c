// Rejected: reading copies of partitions that are led elsewhere. They are some ms behind, so a
// search could end at a child that is there, and with more nodes than copies most of them are not
// here at all.
#include "node/core/look.h"

#include "node/core/forward.h"
#include "node/core/lead.h"
#include "node/core/node_internal.h"
#include "node/core/wait.h"
#include "proto/base/check.h"
#include "proto/base/hash.h"
#include "proto/limits.h"

#include <stdlib.h>
#include <string.h>

#define WIRE_SELF struct look_question
WIRE_RECORD(look_question, LOOK_QUESTION_FIELDS)
#undef WIRE_SELF
#define WIRE_SELF struct look_answer
WIRE_RECORD(look_answer, LOOK_ANSWER_FIELDS)
#undef WIRE_SELF

struct look_asked {
    uint64_t id; // under which its answer comes; 0: it is not being asked now
    struct looks *asker;
    bytes question; // without `seen`; on the C heap, as is the next
    bytes answer;   // data NULL: none yet
    bool failed;    // nobody could be asked
    uint32_t round; // in which it was wanted last
    struct look_asked *next;
};

// --- what is so here -----------------------------------------------------------------------------

static void
steps_take(struct node *node, const struct wait_look *looked, struct look_answer *out_answer) {
    bytes *ids = ARENA_ARRAY(node->arena, bytes, looked->step_count + 1);
    uint32_t *kinds = ARENA_ARRAY(node->arena, uint32_t, looked->step_count + 1);
    for (size_t i = 0; i < looked->step_count; i++) {
        ids[i] = looked->steps[i].id;
        kinds[i] = looked->steps[i].is_child;
    }
    out_answer->steps = (struct wire_text_list){ids, (uint32_t)looked->step_count};
    out_answer->step_is_child = (struct wire_u32_list){kinds, (uint32_t)looked->step_count};
    out_answer->terminal = looked->terminal;
    out_answer->status = looked->status;
}

static err show(
    struct decision *decision, const struct look_question *question, struct look_answer *out_answer
) {
    struct run_view view = {
        .response_type = question->response_type,
        .target_id = question->target_id,
        .target_status = question->target_status,
        .request_id = question->request_id,
        .timed_out = question->timed_out,
    };
    struct reply reply = {0};
    TRY(question->kind == LOOK_SHOW_TASK ? get_task_run(decision, question->id, &view, &reply)
                                         : get_workflow_run(decision, question->id, &view, &reply));
    out_answer->found = reply.body;
    return ERR_NONE;
}

static err ask_rows(
    struct node *node,
    struct decision *decision,
    const struct look_question *question,
    struct look_answer *out_answer
) {
    struct wait_look looked = {0};
    enum retry_wish wish = RETRY_NOTHING;
    err found;
    switch ((enum look_kind)question->kind) {
    case LOOK_WAIT:
        TRY(look_for_wait(
            decision,
            question->id,
            (enum wait_for)question->wanted,
            question->references.items,
            question->references.count,
            &looked
        ));
        steps_take(node, &looked, out_answer);
        return ERR_NONE;
    case LOOK_FAILED_CHILD:
        found = find_failed_child(decision, question->id, &wish, &out_answer->found);
        out_answer->wish = (uint8_t)wish;
        return found;
    case LOOK_RERUN:
        return check_rerun(decision, question->id);
    case LOOK_OWNER:
        return find_workflow_of_task(decision, question->id, &out_answer->found);
    case LOOK_PARENT:
        return find_parent(decision, question->id, &out_answer->found);
    case LOOK_SHOW_WORKFLOW:
    case LOOK_SHOW_TASK:
        return show(decision, question, out_answer);
    }
    return err_make(ERR_CORRUPT, "a question of no known kind");
}

// Texts of the answer outlive the decision. `*out_gate`: what it depends on.
static err look_here(
    struct node *node,
    group_id group,
    const struct look_question *question,
    struct look_answer *out_answer,
    struct gate *out_gate
) {
    struct decision decision;
    *out_answer = (struct look_answer){0};
    TRY(node_decision_begin(node, group, &decision));
    err asked = ask_rows(node, &decision, question, out_answer);
    out_answer->status = arena_copy(node->arena, out_answer->status);
    out_answer->found = arena_copy(node->arena, out_answer->found);
    for (uint32_t i = 0; i < out_answer->steps.count; i++) {
        out_answer->steps.items[i] = arena_copy(node->arena, out_answer->steps.items[i]);
    }
    *out_gate = node_decision_abort(node, &decision);
    return asked;
}

// --- asking --------------------------------------------------------------------------------------

static bytes heap_copy(bytes from) {
    uint8_t *copy = malloc(from.size + 1);
    check(copy != NULL);
    if (from.size > 0) {
        memcpy(copy, from.data, from.size);
    }
    return bytes_of(copy, from.size);
}

static void heap_free(bytes *kept) {
    free((void *)(uintptr_t)kept->data);
    *kept = (bytes){0};
}

static bytes encode(struct node *node, const struct wire_record *record, const void *value) {
    struct buffer out;
    buffer_init(&out, LIMIT_REPLY_BYTES);
    wire_encode(record, value, &out);
    bytes encoded =
        err_is(buffer_status(&out)) ? (bytes){0} : arena_copy(node->arena, buffer_bytes(&out));
    buffer_deinit(&out);
    return encoded;
}

static id128 name_of(bytes answer) {
    id128 name;
    hash128_store(hash_sip128(answer), name.bytes);
    return name;
}

// Sends the question under a new number.
static void
send(struct node *node, struct look_asked *asked, const struct look_question *question) {
    asked->id = ++node->look_count;
    table_put(&node->look_table, asked->id, asked);
    struct node_request request = {
        .method = BYTES_LITERAL(LOOK_METHOD),
        .body = encode(node, &look_question_record, question),
    };
    struct forward_wish wish = {
        .purpose = FORWARD_LOOK,
        .request_id = asked->id,
        .request = &request,
        .group = decision_group_of(&node->settings, question->id),
        .idempotent = true,
        .timeout_ms = LIMIT_FORWARD_MS,
    };
    forward_begin(node, &wish);
}

static struct look_asked *find(struct looks *looks, bytes question) {
    struct look_asked *asked = looks->first;
    while (asked != NULL && !bytes_equal(asked->question, question)) {
        asked = asked->next;
    }
    return asked;
}

static struct look_asked *
ask(struct node *node, struct looks *looks, const struct look_question *question) {
    struct look_asked *asked = calloc(1, sizeof(*asked));
    check(asked != NULL);
    asked->asker = looks;
    asked->question = heap_copy(encode(node, &look_question_record, question));
    asked->round = looks->round;
    asked->next = looks->first;
    looks->first = asked;
    looks->unanswered++;
    send(node, asked, question);
    return asked;
}

// Codes by which the core talks to itself would be taken for its own.
static bool is_answerable(uint8_t code) {
    return code < ERR_CODE_COUNT && code != ERR_SUSPENDED && code != ERR_LATER && code != ERR_END;
}

err look_answer_read(bytes in, struct arena *arena, struct look_answer *out_answer) {
    TRY(wire_decode(&look_answer_record, in, arena, out_answer));
    if (!is_answerable(out_answer->error) ||
        out_answer->steps.count != out_answer->step_is_child.count) {
        return err_make(ERR_CORRUPT, "what another node said of an execution makes no sense");
    }
    const char *text = arena_text(arena, out_answer->error_text);
    return err_make((enum err_code)out_answer->error, text);
}

static err told(struct node *node, struct look_asked *asked, struct look_answer *out_answer) {
    asked->round = asked->asker->round;
    if (asked->failed) {
        asked->failed = false;
        asked->round--; // asked anew the next time
        return err_make(
            ERR_UNAVAILABLE, "a partition that the answer depends on has no leader now; try again"
        );
    }
    if (asked->answer.data == NULL) {
        return err_make(ERR_SUSPENDED, "");
    }
    // The answer may be replaced before the step ends.
    return look_answer_read(arena_copy(node->arena, asked->answer), node->arena, out_answer);
}

err look(
    struct node *node,
    const struct look_asker *asker,
    const struct look_question *question,
    struct look_answer *out_answer
) {
    group_id group = decision_group_of(&node->settings, question->id);
    struct gate gate;
    if (node->alone || lead_may_decide(node, group)) {
        return look_here(node, group, question, out_answer, &gate);
    }
    struct looks *looks = asker->looks;
    if (looks == NULL) {
        looks = job_looks(node, asker->request);
    }
    if (looks == NULL) {
        return err_make(ERR_UNAVAILABLE, "too many requests wait for other partitions");
    }
    struct look_asked *asked = find(looks, encode(node, &look_question_record, question));
    if (asked == NULL) {
        asked = ask(node, looks, question);
    }
    err answered = told(node, asked, out_answer);
    if (answered.code == ERR_SUSPENDED && looks->owner == LOOK_OF_JOB) {
        job_stays(node);
    }
    return answered;
}

static void asked_destroy(struct node *node, struct look_asked *asked) {
    if (asked->id != 0) {
        (void)table_take(&node->look_table, asked->id);
    }
    heap_free(&asked->question);
    heap_free(&asked->answer);
    free(asked);
}

void looks_round(struct node *node, struct looks *looks) {
    struct look_asked **at = &looks->first;
    while (*at != NULL) {
        struct look_asked *asked = *at;
        if (asked->round == looks->round) {
            at = &asked->next;
            continue;
        }
        looks->unanswered -= asked->answer.data == NULL && asked->id != 0;
        *at = asked->next;
        asked_destroy(node, asked);
    }
    looks->round++;
}

void looks_watch(struct node *node, struct looks *looks) {
    for (struct look_asked *asked = looks->first; asked != NULL; asked = asked->next) {
        struct look_question question;
        if (asked->id != 0 || asked->answer.data == NULL || asked->round != looks->round ||
            err_is(wire_decode(&look_question_record, asked->question, node->arena, &question))) {
            continue;
        }
        question.seen = name_of(asked->answer);
        send(node, asked, &question);
    }
}

void looks_forget(struct node *node, struct looks *looks) {
    while (looks->first != NULL) {
        struct look_asked *asked = looks->first;
        looks->first = asked->next;
        asked_destroy(node, asked);
    }
    looks->unanswered = 0;
}

void look_answered(struct node *node, uint64_t look_id, bytes answer) {
    struct look_asked *asked = table_take(&node->look_table, look_id);
    if (asked == NULL) {
        return;
    }
    struct looks *looks = asked->asker;
    asked->id = 0;
    looks->unanswered -= asked->answer.data == NULL;
    bool same = asked->answer.data != NULL && bytes_equal(asked->answer, answer);
    asked->failed = answer.data == NULL;
    heap_free(&asked->answer);
    if (!asked->failed) {
        asked->answer = heap_copy(answer);
    }
    if (looks->owner == LOOK_OF_JOB) {
        if (looks->unanswered == 0) {
            job_looked(node, looks->owner_id);
        }
    } else if (same) {
        looks_watch(node, looks);
    } else {
        wait_looked(node, looks->owner_id);
    }
}

// --- being asked ---------------------------------------------------------------------------------

// What a link cannot carry: the client of the other node hears it, and does not try again for ever.
static struct look_answer too_large(void) {
    return (struct look_answer){
        .error = ERR_TOO_LARGE,
        .error_text = BYTES_LITERAL("the view is larger than what one node passes on to another"),
    };
}

bool look_run_again(struct node *node, uint64_t run_id, bytes body, bool late) {
    struct look_question question;
    err read = wire_decode(&look_question_record, body, node->arena, &question);
    if (err_is(read)) {
        node_answer_error(node, run_id, read, GATE_OPEN);
        return true;
    }
    group_id group = decision_group_of(&node->settings, question.id);
    if (!lead_may_decide(node, group)) {
        forward_run_refuse(node, run_id, group);
        return true;
    }
    struct look_answer answer;
    struct gate gate = GATE_OPEN;
    err asked = look_here(node, group, &question, &answer, &gate);
    answer.error = (uint8_t)asked.code;
    answer.error_text = bytes_from_text(asked.text);
    bytes said = encode(node, &look_answer_record, &answer);
    if (said.data == NULL || said.size > LIMIT_PEER_BODY_BYTES) {
        answer = too_large();
        said = encode(node, &look_answer_record, &answer);
    }
    if (!late && !id_is_zero(question.seen) && id_equal(question.seen, name_of(said))) {
        return false;
    }
    struct reply reply = {.status = 200, .kind = REPLY_TEXT, .body = said};
    node_answer(node, run_id, &reply, gate);
    return true;
}

void look_run(struct node *node, uint64_t run_id, bytes question) {
    struct look_question read;
    if (!look_run_again(node, run_id, question, false) &&
        !err_is(wire_decode(&look_question_record, question, node->arena, &read))) {
        wait_hold(node, run_id, question, read.id);
    }
}
