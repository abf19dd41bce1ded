// Chooses the engine; a process has one language for its whole life, so that a jq program that must
// be killed never takes a script along.
#include "node/eval/evaluator/evaluate.h"

#include "node/eval/evaluator/javascript.h"
#include "node/eval/evaluator/jq.h"
#include "proto/base/check.h"

#include <stdlib.h>

struct evaluator {
    enum evaluation_language language;
    struct javascript *javascript;
    struct jq_engine *jq;
};

struct evaluator *evaluator_create(enum evaluation_language language) {
    struct evaluator *evaluator = calloc(1, sizeof(*evaluator));
    check(evaluator != NULL);
    evaluator->language = language;
    if (language == EVALUATION_JAVASCRIPT) {
        evaluator->javascript = javascript_create();
    } else {
        evaluator->jq = jq_engine_create();
    }
    return evaluator;
}

struct evaluation_result evaluator_run(
    struct evaluator *evaluator,
    const struct evaluation *evaluation,
    uint32_t deadline_ms,
    struct arena *arena
) {
    if (evaluation->language != evaluator->language) {
        return (struct evaluation_result){
            .outcome = EVALUATION_UNAVAILABLE,
            .error = BYTES_LITERAL("this evaluator speaks another language"),
        };
    }
    if (evaluator->language == EVALUATION_JAVASCRIPT) {
        return javascript_run(evaluator->javascript, evaluation, deadline_ms, arena);
    }
    return jq_engine_run(evaluator->jq, evaluation, deadline_ms, arena);
}
