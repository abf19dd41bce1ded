// What a checkpoint costs with ids in keys as they are (slot first) and in key order (time first).
//
// 64 groups; each checkpoint starts WORKFLOWS workflows of one task, hands out and completes the
// tasks of those started AGE checkpoints ago, and removes the workflows started KEEP checkpoints
// ago. Rows and sizes are those of the key space in storage/keys.h. Reports only; distributed.md
// §3.3 asked.
//
// usage: bench_key_order DIRECTORY [WORKFLOWS]
#include "proto/base/check.h"
#include "storage/keys.h"
#include "storage/lmdb/lmdb_map.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    GROUPS = 64,
    CHECKPOINTS = 100,
    MEASURED_FROM = 60,
    KEEP = 50,
    TASK_NO = 1,
    RUN = 1
};

enum order {
    SLOT_FIRST,
    TIME_FIRST,
    TOGETHER, // time first, and the rows of a run side by side: storage/keys.h
    ORDER_COUNT
};

static const char *const NAMES[] = {"slot", "time", "together"};

struct row {
    uint16_t size;
    uint16_t value_size; // UINT16_MAX: a deletion
    uint32_t order;
    uint8_t key[64];
};

struct bench {
    struct sorted_map *map;
    enum order order;
    size_t workflows_each; // a checkpoint starts
    struct row *rows;
    size_t count;
    id128 *workflows; // of all checkpoints
    id128 *tasks;
};

static double now_ms(void) {
    struct timespec time;
    check(clock_gettime(CLOCK_MONOTONIC, &time) == 0);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

// Bytes this process caused to be written to the device.
static uint64_t bytes_written(void) {
    FILE *file = fopen("/proc/self/io", "re");
    check(file != NULL);
    char line[128];
    uint64_t written = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "wchar: ", 7) == 0) {
            written = strtoull(line + 7, NULL, 10);
        }
    }
    (void)fclose(file);
    return written;
}

// `id` lies at `at` of the key, in key order; `slot_first` puts it there as it is.
static void
add(struct bench *bench, struct key key, size_t at, id128 id, id128 workflow, uint16_t value_size) {
    struct row *row = &bench->rows[bench->count];
    row->order = (uint32_t)bench->count++;
    row->size = (uint16_t)(key.size + 2);
    row->value_size = value_size;
    bytes_put_u16(row->key, (uint16_t)(1 + id_slot(workflow) % GROUPS));
    memcpy(row->key + 2, key.bytes, key.size);
    if (bench->order == SLOT_FIRST && at > 0) {
        memcpy(row->key + 2 + at, id.bytes, 16);
    }
    if (bench->order != TOGETHER && key.bytes[0] == KEY_EXECUTION) {
        memmove(row->key + 2 + 1 + 20, row->key + 2 + 1 + 21, (size_t)key.size - 22);
        row->key[2] = (uint8_t)('r' + key.bytes[21]);
        row->size--;
    }
}

static void start(struct bench *bench, id128 w, id128 task, int64_t ms) {
    bytes name = BYTES_LITERAL("first");
    add(bench, key_workflow(w), 1, w, w, 220);
    add(bench, key_reference(w, RUN, name), 1, w, w, 12);
    add(bench, key_task(w, RUN, TASK_NO), 1, w, w, 180);
    add(bench, key_task_id(task), 1, task, w, 24);
    add(bench, key_blob(w, RUN, 1, 0), 1, w, w, 300);
    add(bench, key_queue(7, 0, ms, id_slot(w)), 0, w, w, 60);
    add(bench, key_queue_counters(7), 0, w, w, 24);
    add(bench, key_timer(ms + 3600000, 1, w, 0, 1), 8, w, w, 1);
}

static void complete(struct bench *bench, id128 w, int64_t ms) {
    add(bench, key_queue(7, 0, id_time_ms(w), id_slot(w)), 0, w, w, UINT16_MAX);
    add(bench, key_timer(ms + 10000, 2, w, TASK_NO, 1), 8, w, w, 1);
    add(bench, key_timer(ms + 10000, 2, w, TASK_NO, 1), 8, w, w, UINT16_MAX);
    add(bench, key_task(w, RUN, TASK_NO), 1, w, w, 260);
    add(bench, key_blob(w, RUN, 2, 0), 1, w, w, 300);
    add(bench, key_workflow(w), 1, w, w, 230);
    add(bench, key_timer(id_time_ms(w) + 3600000, 1, w, 0, 1), 8, w, w, UINT16_MAX);
    add(bench, key_timer(ms + 86400000, 3, w, 0, 1), 8, w, w, 1);
}

static void forget(struct bench *bench, id128 w, id128 task, int64_t completed_ms) {
    bytes name = BYTES_LITERAL("first");
    add(bench, key_workflow(w), 1, w, w, UINT16_MAX);
    add(bench, key_reference(w, RUN, name), 1, w, w, UINT16_MAX);
    add(bench, key_task(w, RUN, TASK_NO), 1, w, w, UINT16_MAX);
    add(bench, key_task_id(task), 1, task, w, UINT16_MAX);
    add(bench, key_blob(w, RUN, 1, 0), 1, w, w, UINT16_MAX);
    add(bench, key_blob(w, RUN, 2, 0), 1, w, w, UINT16_MAX);
    add(bench, key_timer(completed_ms + 86400000, 3, w, 0, 1), 8, w, w, UINT16_MAX);
}

static int by_key(const void *left, const void *right) {
    const struct row *one = left;
    const struct row *two = right;
    int order = bytes_compare(bytes_of(one->key, one->size), bytes_of(two->key, two->size));
    return order != 0 ? order : (one->order > two->order) - (one->order < two->order);
}

static void checkpoint(struct bench *bench) {
    static const uint8_t value[512];
    qsort(bench->rows, bench->count, sizeof(struct row), by_key);
    struct map_txn *txn = NULL;
    check(!err_is(map_txn_begin(bench->map, &txn)));
    for (size_t i = 0; i < bench->count; i++) {
        const struct row *row = &bench->rows[i];
        bytes key = bytes_of(row->key, row->size);
        if (i + 1 < bench->count && bench->rows[i + 1].size == row->size &&
            memcmp(row->key, bench->rows[i + 1].key, row->size) == 0) {
            continue;
        }
        bytes old = BYTES_EMPTY;
        err error = map_txn_get(bench->map, txn, MAP_STATE, key, &old);
        check(error.code == ERR_OK || error.code == ERR_NOT_FOUND);
        error =
            row->value_size == UINT16_MAX
                ? map_txn_del(bench->map, txn, MAP_STATE, key)
                : map_txn_put(bench->map, txn, MAP_STATE, key, bytes_of(value, row->value_size));
        check(!err_is(error));
    }
    check(!err_is(map_txn_commit(bench->map, txn)));
    bench->count = 0;
}

static void fill(struct bench *bench, size_t round, size_t age, struct random *random) {
    size_t each = bench->workflows_each;
    int64_t begin_ms = 1764000000000 + (int64_t)round * 250;
    for (size_t i = 0; i < each; i++) {
        size_t at = round * each + i;
        int64_t ms = begin_ms + (int64_t)(i * 250 / each);
        bench->workflows[at] = id_mint((uint16_t)random_below(random, ID_SLOT_COUNT), ms, random);
        bench->tasks[at] = id_mint(id_slot(bench->workflows[at]), ms, random);
        start(bench, bench->workflows[at], bench->tasks[at], ms);
        if (round >= age) {
            complete(bench, bench->workflows[at - age * each], ms);
        }
        if (round >= KEEP + age) {
            size_t old = at - (KEEP + age) * each;
            forget(bench, bench->workflows[old], bench->tasks[old], ms - KEEP * 250);
        }
    }
}

static void measure(const char *directory, size_t each, enum order order, size_t age) {
    struct arena *arena = arena_create(1024);
    struct bench bench = {.order = order, .workflows_each = each};
    const char *path = arena_format(arena, "%s/%s-%zu", directory, NAMES[order], age);
    err error = lmdb_map_create(path, arena, &bench.map);
    check(!err_is(error));
    bench.rows = calloc(each * 32, sizeof(struct row));
    bench.workflows = calloc(each * CHECKPOINTS, sizeof(id128));
    bench.tasks = calloc(each * CHECKPOINTS, sizeof(id128));
    check(bench.rows != NULL && bench.workflows != NULL && bench.tasks != NULL);
    struct random random;
    random_init(&random, 1);
    double spent = 0;
    uint64_t before = 0;
    for (size_t round = 0; round < CHECKPOINTS; round++) {
        fill(&bench, round, age, &random);
        if (round == MEASURED_FROM) {
            before = bytes_written();
        }
        double begin = now_ms();
        checkpoint(&bench);
        spent += round >= MEASURED_FROM ? now_ms() - begin : 0;
    }
    double rounds = CHECKPOINTS - MEASURED_FROM;
    double written = (double)(bytes_written() - before) / rounds;
    printf(
        "| %s | %zu | %.1f | %.2f | %.0f | %.0f |\n",
        NAMES[order],
        age,
        spent / rounds,
        written / 1048576.0,
        written / 4096.0,
        written / (double)each
    );
    (void)fflush(stdout);
    lmdb_map_destroy(&bench.map);
    free(bench.rows);
    free(bench.workflows);
    free(bench.tasks);
    arena_destroy(&arena);
}

int main(int argc, char **argv) {
    size_t each = argc == 3 ? strtoul(argv[2], NULL, 10) : 2000;
    if (argc < 2 || each == 0) {
        (void)fprintf(stderr, "usage: bench_key_order DIRECTORY [WORKFLOWS]\n");
        return 2;
    }
    printf("| order | age | ms | MiB | pages | bytes a workflow |\n|---|---|---|---|---|---|\n");
    for (size_t age = 0; age <= 8; age += 8) {
        for (int order = 0; order < ORDER_COUNT; order++) {
            measure(argv[1], each, (enum order)order, age);
        }
    }
    return 0;
}
