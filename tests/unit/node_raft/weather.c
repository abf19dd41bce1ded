#include "tests/unit/node_raft/weather.h"

enum {
    HARM_ACTIONS = 120,
    CALM_MS = 6000 // after healing: an election, another one, and everything sent again
};

static node_id any_node(struct cluster *cluster, uint32_t node_count) {
    return (node_id)(1 + random_below(cluster_random(cluster), node_count));
}

static void change_weather(struct cluster *cluster) {
    struct random *random = cluster_random(cluster);
    struct weather *weather = cluster_weather(cluster);
    weather->lose_percent = (uint32_t)random_below(random, 3) * 10;
    weather->repeat_percent = (uint32_t)random_below(random, 3) * 15;
    weather->replay_percent = (uint32_t)random_below(random, 2) * 10;
    weather->delay_us_max = random_one_in(random, 4) ? 200000 : 2000;
    weather->sync_us_max = random_one_in(random, 4) ? 300000 : 1000;
}

// One act of harm, or of undoing it.
static void act(struct cluster *cluster, const struct cluster_options *options) {
    struct random *random = cluster_random(cluster);
    node_id node = any_node(cluster, options->node_count);
    node_id other = any_node(cluster, options->node_count);
    group_id group = (group_id)random_below(random, options->group_count);
    switch (random_below(random, 12)) {
    case 0:
        cluster_crash(cluster, node);
        break;
    case 1:
    case 2:
        for (node_id i = 1; i <= options->node_count; i++) {
            cluster_start(cluster, i);
        }
        break;
    case 3:
        cluster_cut(cluster, node, other, node != other);
        break;
    case 4:
        cluster_isolate(cluster, node, true);
        break;
    case 5:
    case 6:
        cluster_isolate(cluster, node, false);
        break;
    case 7:
        cluster_pause(cluster, node, 50 + (int64_t)random_below(random, 2500));
        break;
    case 8:
        change_weather(cluster);
        break;
    case 9:
        cluster_checkpoint(cluster, node);
        break;
    case 10:
        (void)cluster_transfer(cluster, cluster_leader(cluster, group), group, other);
        break;
    default: // the leader falls in the middle of what it does
        cluster_crash(cluster, cluster_leader(cluster, group));
        break;
    }
}

// Clients at every node that thinks it leads, the wrong ones too.
static void serve(struct cluster *cluster, const struct cluster_options *options) {
    struct random *random = cluster_random(cluster);
    for (node_id node = 1; node <= options->node_count; node++) {
        group_id group = (group_id)random_below(random, options->group_count);
        for (uint64_t i = random_below(random, 6); i > 0; i--) {
            (void)cluster_propose(cluster, node, group);
        }
        if (random_one_in(random, 2)) {
            (void)cluster_read(cluster, node, group);
        }
        if (cluster_machine(cluster, node)->up) {
            cluster_judge(cluster, node);
        }
    }
}

const char *weather_run(uint64_t seed, char *text, size_t size) {
    struct random random;
    random_init(&random, seed);
    struct cluster_options options = {
        .seed = seed,
        .node_count = random_one_in(&random, 3) ? 5 : 3,
        .group_count = 1 + (uint32_t)random_below(&random, 3),
        .voter_count = 3,
        .value_bytes_max = random_one_in(&random, 4) ? 150000 : 100,
        .tells_of_connections = random_one_in(&random, 2),
    };
    struct cluster *cluster = cluster_create(&options);
    for (int i = 0; i < HARM_ACTIONS && cluster_failure(cluster) == NULL; i++) {
        cluster_run(cluster, 1 + (int64_t)random_below(&random, 120));
        serve(cluster, &options);
        if (random_one_in(&random, 3)) {
            act(cluster, &options);
        }
    }
    cluster_heal(cluster);
    const char *failure = NULL;
    bool settled = cluster_run_until(cluster, cluster_is_settled, NULL, CALM_MS);
    for (node_id node = 1; node <= options.node_count && settled; node++) {
        cluster_judge(cluster, node);
    }
    if (cluster_failure(cluster) != NULL) {
        (void)snprintf(text, size, "%s", cluster_failure(cluster));
        failure = text;
    } else if (!settled) {
        cluster_describe(cluster, text, size);
        failure = text;
    }
    cluster_destroy(&cluster);
    return failure;
}
