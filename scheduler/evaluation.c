// The key hashes the two texts one by one and then their hashes with the kinds, so that nothing is
// copied together and no two evaluations can meet by moving bytes from one text to the other.
#include "scheduler/evaluation.h"

hash128 evaluation_key(const struct evaluation *evaluation) {
    uint8_t packed[34];
    packed[0] = (uint8_t)evaluation->language;
    packed[1] = (uint8_t)evaluation->kind;
    hash128_store(hash_sip128(evaluation->text), packed + 2);
    hash128_store(hash_sip128(evaluation->input), packed + 18);
    return hash_sip128(bytes_of(packed, sizeof(packed)));
}
