// The key hashes the two texts one by one and then their hashes with the kinds, so that nothing is
// copied together and no two evaluations can meet by moving bytes from one text to the other.
#include "scheduler/evaluation.h"

#include "proto/base/mutant.h"
#include "scheduler/decision.h"

hash128 evaluation_key(const struct evaluation *evaluation) {
    uint8_t packed[34];
    packed[0] = (uint8_t)evaluation->language;
    packed[1] = (uint8_t)evaluation->kind;
    hash128_store(hash_sip128(evaluation->text), packed + 2);
    hash128_store(hash_sip128(evaluation->input), packed + 18);
    return hash_sip128(bytes_of(packed, sizeof(packed)));
}

err decision_evaluate(
    struct decision *decision,
    const struct evaluation *evaluation,
    struct evaluation_result *out_result
) {
    const struct evaluation_result *known = decision_known(decision, evaluation);
    if (known != NULL) {
        decision->evaluations_used++;
        *out_result = *known;
        return ERR_NONE;
    }
    if (!decision->evaluated.allowed) {
        return err_make(ERR_LATER, "a script is to be run in an entry of its own");
    }
    if (decision->wanted_count < LIMIT_DECISION_WANTED) {
        decision->wanted[decision->wanted_count++] = *evaluation;
    }
    return err_make(ERR_SUSPENDED, "the decision waits for a script");
}

const struct evaluation_result *
decision_known(const struct decision *decision, const struct evaluation *evaluation) {
    if (decision->evaluated.count == 0) {
        return NULL;
    }
    hash128 key = evaluation_key(evaluation);
    for (size_t i = 0; i < decision->evaluated.count; i++) {
        if (hash128_equal(decision->evaluated.keys[i], key)) {
            return &decision->evaluated.results[i];
        }
    }
    return NULL;
}

void decision_foresee(struct decision *decision, const struct evaluation *evaluation) {
    if (decision->foreseen_count == LIMIT_DECISION_FORESEEN) {
        return;
    }
    struct evaluation *foreseen = &decision->foreseen[decision->foreseen_count++];
    *foreseen = *evaluation;
    foreseen->ahead = true;
}

err decision_follow(struct decision *decision, int64_t happened_ms) {
    bool is_first = decision->evaluated.count == 0 && !decision->staging.again;
    if (happened_ms <= decision->now.ms || is_first || mutant_is("decision_dated_back")) {
        return ERR_NONE;
    }
    decision->now.ms = happened_ms;
    return err_make(ERR_SUSPENDED, "the decision began before what it goes on from");
}
