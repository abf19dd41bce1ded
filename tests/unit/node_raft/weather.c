#include "tests/unit/node_raft/weather.h"

enum {
    HARM_ACTIONS = 120,
    SLEEP_MS = 2000,
    SERVE_MS = 100,
    MANNERS_MS = 3000, // longer than any election
    CALM_MS = 6000,    // after healing: an election, another one, and everything sent again
    MOVED_MS = 30000   // and members that come and go
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

// The leader sleeps until another one serves, deaf to some node from then on; waking it answers a
// read before anything else.
static void sleep_and_read(
    struct cluster *cluster, const struct cluster_options *options, group_id group, node_id mute
) {
    node_id leader = cluster_leader(cluster, group);
    if (leader == 0) {
        return;
    }
    cluster_pause(cluster, leader, SLEEP_MS);
    cluster_cut(cluster, mute, leader, mute != leader);
    for (int i = 0; i < SLEEP_MS / SERVE_MS - 1; i++) {
        cluster_run(cluster, SERVE_MS);
        for (node_id node = 1; node <= options->node_count; node++) {
            (void)cluster_propose(cluster, node, group);
        }
    }
    cluster_wake(cluster, leader, random_one_in(cluster_random(cluster), 2));
    (void)cluster_read(cluster, leader, group);
}

// --- members that come and go --------------------------------------------------------------------

static void want_founders(struct cluster *cluster, const struct cluster_options *options) {
    for (uint32_t i = 0; i < options->group_count; i++) {
        struct raft_target target = {.voter_count = options->voter_count};
        for (uint32_t v = 0; v < target.voter_count; v++) {
            target.voters[v] = (node_id)(1 + (i + v) % options->node_count);
        }
        cluster_want(cluster, (group_id)i, &target);
    }
}

// Any members, in any order, most often three voters.
static void want_others(struct cluster *cluster, const struct cluster_options *options) {
    struct random *random = cluster_random(cluster);
    group_id group = (group_id)random_below(random, options->group_count);
    node_id nodes[CLUSTER_NODES_MAX];
    for (uint32_t i = 0; i < options->node_count; i++) {
        uint32_t at = (uint32_t)random_below(random, i + 1);
        nodes[i] = nodes[at];
        nodes[at] = (node_id)(i + 1);
    }
    uint32_t voters = 3;
    if (random_one_in(random, 3)) {
        voters = 1 + (uint32_t)random_below(random, options->node_count);
    }
    voters = voters < options->node_count ? voters : options->node_count;
    uint32_t learners = (uint32_t)random_below(random, options->node_count - voters + 1);
    struct raft_target target = {.voter_count = voters, .learner_count = learners};
    for (uint32_t i = 0; i < voters; i++) {
        target.voters[i] = nodes[i];
    }
    for (uint32_t i = 0; i < learners; i++) {
        target.learners[i] = nodes[voters + i];
    }
    cluster_note(
        cluster,
        "wanted of group %u: %u voters %u %u %u …",
        group,
        voters,
        nodes[0],
        nodes[1],
        nodes[2]
    );
    cluster_want(cluster, group, &target);
}

// What was begun ends as whoever leads finds it.
static void want_nothing(struct cluster *cluster, const struct cluster_options *options) {
    struct raft_target nothing = {0};
    group_id group = (group_id)random_below(cluster_random(cluster), options->group_count);
    cluster_note(cluster, "nothing is wanted of group %u", group);
    cluster_want(cluster, group, &nothing);
}

static void churn(struct cluster *cluster, const struct cluster_options *options) {
    struct random *random = cluster_random(cluster);
    node_id node = any_node(cluster, options->node_count);
    if (random_one_in(random, 3) && cluster_may_wipe(cluster, node)) {
        cluster_note(cluster, "node %u loses its disk", node);
        cluster_wipe(cluster, node);
    } else if (random_one_in(random, 8)) {
        want_nothing(cluster, options);
    } else {
        want_others(cluster, options);
    }
}

// One act of harm, or of undoing it.
static void act(struct cluster *cluster, const struct cluster_options *options) {
    struct random *random = cluster_random(cluster);
    node_id node = any_node(cluster, options->node_count);
    node_id other = any_node(cluster, options->node_count);
    group_id group = (group_id)random_below(random, options->group_count);
    uint64_t deed = random_below(random, 13);
    cluster_note(cluster, "deed %d of node %u, %u", (int)deed, node, other);
    switch (deed) {
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
    case 11:
        sleep_and_read(cluster, options, group, other);
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

// --- manners (rule 3): in calm weather, one node cut off, or one link deaf in one direction
// ---------

struct standing {
    node_id leader;
    uint64_t term;
};

static struct standing standing_of(struct cluster *cluster, group_id group) {
    struct standing standing = {.leader = cluster_leader(cluster, group)};
    if (standing.leader != 0) {
        standing.term = raft_term(cluster_machine(cluster, standing.leader)->raft, group);
    }
    return standing;
}

// Who led before leads still, but for what `lost` led.
static bool leaders_stand(
    struct cluster *cluster,
    const struct cluster_options *options,
    const struct standing *before,
    node_id lost
) {
    for (uint32_t i = 0; i < options->group_count; i++) {
        struct standing now = standing_of(cluster, (group_id)i);
        if (before[i].leader != lost &&
            (now.leader != before[i].leader || now.term != before[i].term)) {
            return false;
        }
    }
    return true;
}

static const char *judge_manners(struct cluster *cluster, const struct cluster_options *options) {
    cluster_run(cluster, CALM_MS); // transfers end, what was to be replayed was
    struct standing before[CLUSTER_GROUPS_MAX];
    node_id lost = any_node(cluster, options->node_count);
    node_id deaf = any_node(cluster, options->node_count);
    for (uint32_t i = 0; i < options->group_count; i++) {
        before[i] = standing_of(cluster, (group_id)i);
    }
    cluster_note(cluster, "node %u no longer hears node %u", deaf, lost);
    cluster_cut(cluster, lost, deaf, lost != deaf);
    cluster_run(cluster, MANNERS_MS);
    cluster_heal(cluster);
    if (!leaders_stand(cluster, options, before, 0)) {
        return "rule 3: a link that was deaf in one direction unseated a leader";
    }
    cluster_note(cluster, "node %u is cut off", lost);
    cluster_isolate(cluster, lost, true);
    cluster_run(cluster, MANNERS_MS);
    for (uint32_t i = 0; i < options->group_count; i++) {
        if (raft_is_leader(cluster_machine(cluster, lost)->raft, (group_id)i)) {
            return "rule 3: a leader without its majority stays one";
        }
    }
    cluster_heal(cluster);
    bool settled = cluster_run_until(cluster, cluster_is_settled, NULL, CALM_MS);
    if (!settled || !leaders_stand(cluster, options, before, lost)) {
        return "rule 3: a node that came back unseated a leader";
    }
    return NULL;
}

const char *weather_run(uint64_t seed, char *text, size_t size, FILE *story) {
    struct random random;
    random_init(&random, seed);
    struct cluster_options options = {
        .seed = seed,
        .node_count = random_one_in(&random, 3) ? 5 : 3,
        .group_count = 1 + (uint32_t)random_below(&random, 3),
        .voter_count = 3,
        .value_bytes_max = random_one_in(&random, 4) ? 150000 : 100,
        .history_bytes = random_one_in(&random, 2) ? 1500 : 0,
        .tells_of_connections = random_one_in(&random, 2),
    };
    bool churns = random_one_in(&random, 2);
    if (churns) {
        options.node_count = 4 + (uint32_t)random_below(&random, CLUSTER_NODES_MAX - 3);
        options.voter_count = random_one_in(&random, 4) ? 1 : 3;
    }
    struct cluster *cluster = cluster_create(&options);
    if (story != NULL) {
        cluster_tell_story(cluster, true);
    }
    if (churns) {
        cluster_run(cluster, 1000);
        want_founders(cluster, &options);
    }
    for (int i = 0; i < HARM_ACTIONS && cluster_failure(cluster) == NULL; i++) {
        cluster_run(cluster, 1 + (int64_t)random_below(&random, 120));
        serve(cluster, &options);
        if (random_one_in(&random, 3)) {
            act(cluster, &options);
        }
        if (churns && random_one_in(&random, 6)) {
            churn(cluster, &options);
        }
    }
    cluster_note(cluster, "healed");
    cluster_heal(cluster);
    const char *failure = NULL;
    int64_t calm_ms = churns ? MOVED_MS : CALM_MS;
    bool settled = cluster_run_until(cluster, cluster_is_settled, NULL, calm_ms);
    for (node_id node = 1; node <= options.node_count && settled; node++) {
        cluster_judge(cluster, node);
    }
    const char *manners = NULL;
    if (settled && !churns && cluster_failure(cluster) == NULL) {
        manners = judge_manners(cluster, &options);
    }
    if (cluster_failure(cluster) != NULL) {
        (void)snprintf(text, size, "%s", cluster_failure(cluster));
        failure = text;
    } else if (!settled) {
        cluster_describe(cluster, text, size);
        failure = text;
    } else if (manners != NULL) {
        (void)snprintf(text, size, "%s", manners);
        failure = text;
    }
    if (story != NULL) {
        (void)fputs(cluster_story(cluster), story);
    }
    cluster_destroy(&cluster);
    return failure;
}
