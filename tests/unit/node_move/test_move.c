// node/move: steps lead to the target, bounded and in order of need. A small world carries them
// out: a planned change becomes the truth some turns later.
#include "node/move/move.h"
#include "proto/base/random.h"
#include "tests/unit/test.h"

#include <string.h>

enum {
    MEMBERS_MAX = 12,
    GROUPS = 33,
    COPIES = 3,
    PER_NODE = 2,
    TURNS_MAX = 4000
};

struct world {
    struct arena *arena;
    struct random random;
    struct move_member members[MEMBERS_MAX];
    struct move_group groups[GROUPS];
    uint32_t due[GROUPS]; // turns until a change is done
    struct move_state state;
    uint64_t basis;
    uint32_t made; // replicas so far
    bool paused;
    bool bound_broken;
    bool leapt; // a group changed by more than one replica, or before the last change was done
};

static void member_add(struct world *world, uint32_t id, uint32_t zone) {
    world->members[world->state.member_count++] =
        (struct move_member){.id = id, .weight = 1, .zone = zone, .holds = true, .up = true};
}

static struct move_member *member(struct world *world, uint32_t id) {
    for (uint32_t i = 0; i < world->state.member_count; i++) {
        if (world->members[i].id == id) {
            return &world->members[i];
        }
    }
    fail();
    return NULL;
}

static void targets_follow(struct world *world) {
    struct move_nodes targets[GROUPS];
    uint64_t basis = move_basis(&world->state, COPIES);
    if (basis == world->basis) {
        return;
    }
    world->basis = basis;
    move_targets(&world->state, (id128){{7}}, COPIES, world->arena, targets);
    for (uint32_t at = 1; at < GROUPS; at++) {
        world->groups[at].target = targets[at];
    }
    arena_reset(world->arena);
}

// A cluster whose groups are all at home.
static void world_init(struct world *world, uint32_t member_count) {
    memset(world, 0, sizeof(*world));
    world->arena = arena_create(64 * 1024);
    random_init(&world->random, 5);
    world->state.members = world->members;
    world->state.groups = world->groups;
    world->state.group_count = GROUPS;
    for (uint32_t i = 0; i < member_count; i++) {
        member_add(world, i + 1, 0);
    }
    targets_follow(world);
    for (uint32_t at = 1; at < GROUPS; at++) {
        struct move_group *group = &world->groups[at];
        group->planned = group->target;
        group->voters = group->target;
        group->leader = group->target.items[0];
        group->known = true;
    }
}

static uint32_t fresh_in(const struct move_nodes *after, const struct move_nodes *before) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < after->count; i++) {
        count += !move_has(before, after->items[i]);
    }
    return count;
}

static void group_done(struct world *world, uint32_t at) {
    struct move_group *group = &world->groups[at];
    world->made += fresh_in(&group->planned, &group->voters);
    group->voters = group->planned;
    group->changing = false;
    if (!move_has(&group->voters, group->leader)) {
        group->leader = group->voters.items[0];
    }
}

static void bounds_check(struct world *world) {
    for (uint32_t i = 0; i < world->state.member_count; i++) {
        uint32_t in = 0;
        uint32_t out = 0;
        for (uint32_t at = 1; at < GROUPS; at++) {
            const struct move_group *group = &world->groups[at];
            uint32_t id = world->members[i].id;
            in += move_has(&group->planned, id) && !move_has(&group->voters, id);
            out += group->leader == id ? fresh_in(&group->planned, &group->voters) : 0;
        }
        world->bound_broken = world->bound_broken || in > PER_NODE || out > PER_NODE;
    }
}

// One look of the system group's leader, and what happens until the next. Returns how many steps it
// took.
static uint32_t turn(struct world *world) {
    struct move_step steps[GROUPS];
    struct move_bounds bounds = {.per_node = PER_NODE, .paused = world->paused};
    for (uint32_t at = 1; at < GROUPS; at++) {
        if (world->groups[at].changing && --world->due[at] == 0) {
            group_done(world, at);
        }
    }
    targets_follow(world);
    uint32_t count = move_steps(&world->state, &bounds, steps);
    for (uint32_t i = 0; i < count; i++) {
        struct move_group *group = &world->groups[steps[i].group];
        bool back = move_same(&steps[i].planned, &group->voters); // a change is given up
        world->leapt = world->leapt || (group->changing && !back) ||
                       fresh_in(&steps[i].planned, &group->voters) > 1 ||
                       fresh_in(&group->voters, &steps[i].planned) > 1;
        group->planned = steps[i].planned;
        group->changing = true;
        world->due[steps[i].group] = 1 + (uint32_t)random_below(&world->random, 5);
    }
    bounds_check(world);
    return count;
}

static bool is_home(const struct world *world) {
    for (uint32_t at = 1; at < GROUPS; at++) {
        const struct move_group *group = &world->groups[at];
        if (group->changing || !move_same(&group->voters, &group->target) ||
            group->planned.items[0] != group->target.items[0]) {
            return false;
        }
    }
    return true;
}

static void run(struct world *world) {
    for (uint32_t turns = 0; turns < TURNS_MAX; turns++) {
        if (turn(world) == 0 && is_home(world)) {
            return;
        }
    }
    fail_msg("the groups never came home");
}

static void expect_copies(const struct world *world, uint32_t copies) {
    for (uint32_t at = 1; at < GROUPS; at++) {
        assert_int_equal(world->groups[at].voters.count, copies);
    }
}

static void copies_rise_as_nodes_join_and_stay_as_they_leave(void **state) {
    (void)state;
    struct world world;
    world_init(&world, 1);
    expect_copies(&world, 1);
    for (uint32_t id = 2; id <= 5; id++) {
        member_add(&world, id, 0);
        run(&world);
        expect_copies(&world, id < COPIES ? id : COPIES);
    }
    // 2·32 for the copies, and the new nodes' shares
    assert_true(world.made <= 64 + (uint32_t)(1.25 * 32 * 3 * (1.0 / 4 + 1.0 / 5)) + 4);
    world.made = 0;
    for (uint32_t id = 1; id <= 2; id++) {
        assert_null(move_refusal(&world.state, COPIES, id, world.arena));
        member(&world, id)->holds = false;
        run(&world);
        assert_false(move_is_needed(&world.state, id));
        assert_true(move_is_needed(&world.state, 5));
    }
    expect_copies(&world, COPIES);
    assert_false(world.bound_broken);
    assert_false(world.leapt);
    assert_int_equal(move_rest(&world.state).left, 0);
    arena_destroy(&world.arena);
}

static void a_dead_node_is_replaced_and_the_poorest_come_first(void **state) {
    (void)state;
    struct world world;
    world_init(&world, 5);
    member_add(&world, 6, 0); // much to move to it
    targets_follow(&world);
    member(&world, 3)->up = false;
    member(&world, 3)->holds = false;
    targets_follow(&world);
    struct move_step steps[GROUPS];
    struct move_bounds bounds = {.per_node = PER_NODE};
    uint32_t count = move_steps(&world.state, &bounds, steps);
    assert_true(count > 0);
    assert_true(move_has(&world.groups[steps[0].group].voters, 3));
    // And only those while there is more to do than can be done.
    world.paused = true;
    count = move_steps(&world.state, &(struct move_bounds){PER_NODE, true}, steps);
    assert_true(count > 0);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(move_has(&world.groups[steps[i].group].voters, 3));
        assert_false(move_has(&steps[i].planned, 3));
    }
    world.paused = false;
    run(&world);
    assert_false(move_is_needed(&world.state, 3));
    assert_false(world.leapt);
    arena_destroy(&world.arena);
}

// It was told to leave, or is dead, before it had what was planned for it: no change waits for it.
static void a_newcomer_that_goes_before_it_came_is_given_up(void **state) {
    (void)state;
    struct world world;
    world_init(&world, 3);
    member_add(&world, 4, 0);
    assert_true(turn(&world) > 0);
    for (uint32_t at = 1; at < GROUPS; at++) {
        world.due[at] = TURNS_MAX * 2; // it never comes
    }
    member(&world, 4)->up = false;
    member(&world, 4)->holds = false;
    assert_true(turn(&world) > 0);
    for (uint32_t at = 1; at < GROUPS; at++) {
        assert_false(move_has(&world.groups[at].planned, 4));
    }
    run(&world);
    assert_false(move_is_needed(&world.state, 4));
    assert_false(world.leapt);
    arena_destroy(&world.arena);
}

static void nobody_waits_for_a_node_that_is_away(void **state) {
    (void)state;
    struct world world;
    world_init(&world, 4);
    member_add(&world, 5, 0);
    member(&world, 5)->up = false;
    for (int i = 0; i < 100; i++) {
        (void)turn(&world);
    }
    for (uint32_t at = 1; at < GROUPS; at++) {
        assert_false(move_has(&world.groups[at].planned, 5));
    }
    assert_true(move_rest(&world.state).left > 0);
    member(&world, 5)->up = true;
    run(&world);
    arena_destroy(&world.arena);
}

static void a_group_without_a_majority_is_left_alone(void **state) {
    (void)state;
    struct world world;
    world_init(&world, 4);
    member(&world, 1)->up = false;
    member(&world, 2)->up = false;
    member(&world, 1)->holds = false;
    targets_follow(&world);
    struct move_step steps[GROUPS];
    uint32_t count = move_steps(&world.state, &(struct move_bounds){.per_node = 9}, steps);
    for (uint32_t i = 0; i < count; i++) {
        const struct move_nodes *voters = &world.groups[steps[i].group].voters;
        assert_false(move_has(voters, 1) && move_has(voters, 2));
    }
    arena_destroy(&world.arena);
}

static void members_come_and_go_at_random(void **state) {
    (void)state;
    for (uint32_t seed = 1; seed <= 40; seed++) {
        struct world world;
        world_init(&world, 3);
        random_init(&world.random, seed);
        for (uint32_t id = 4; id <= MEMBERS_MAX; id++) {
            member_add(&world, id, 0);
            for (uint64_t turns = random_below(&world.random, 40); turns > 0; turns--) {
                (void)turn(&world);
            }
            uint32_t leaver = 1 + (uint32_t)random_below(&world.random, id);
            if (random_one_in(&world.random, 2) &&
                move_refusal(&world.state, COPIES, leaver, world.arena) == NULL) {
                member(&world, leaver)->holds = false;
            }
        }
        run(&world);
        expect_copies(&world, COPIES);
        assert_false(world.leapt);
        assert_false(world.bound_broken);
        arena_destroy(&world.arena);
    }
}

static void who_is_needed_may_not_leave(void **state) {
    (void)state;
    struct world world;
    world_init(&world, 3);
    assert_non_null(
        strstr(move_refusal(&world.state, COPIES, 2, world.arena), "2 nodes would be left for 3")
    );
    member_add(&world, 4, 9); // alone in its zone
    assert_null(move_refusal(&world.state, COPIES, 2, world.arena));
    assert_non_null(
        strstr(move_refusal(&world.state, COPIES, 4, world.arena), "2 zones now and would be in 1")
    );
    arena_destroy(&world.arena);
    world_init(&world, 1);
    assert_non_null(move_refusal(&world.state, COPIES, 1, world.arena));
    arena_destroy(&world.arena);
}

static void a_place_is_taken_in_as_many_zones(void **state) {
    (void)state;
    struct world world;
    world_init(&world, 3); // in one zone
    member_add(&world, 4, 9);
    member_add(&world, 5, 9);
    struct move_nodes nodes = {.count = 3, .items = {1, 2, 4}};
    assert_true(move_loses_zone(&world.state, &nodes, 4, 3));
    assert_false(move_loses_zone(&world.state, &nodes, 4, 5));
    assert_false(move_loses_zone(&world.state, &nodes, 1, 3));
    assert_false(move_loses_zone(&world.state, &nodes, 1, 5));
    arena_destroy(&world.arena);
}

static void the_system_group_has_three_votes_or_five(void **state) {
    (void)state;
    struct world world;
    world_init(&world, 7);
    struct move_nodes all = {.count = 7, .items = {1, 2, 3, 4, 5, 6, 7}};
    struct move_nodes five = move_system_voters(&world.state, &all);
    assert_int_equal(five.count, 5);
    struct move_nodes some = {.count = 5, .items = {3, 4, 5, 6, 7}};
    struct move_nodes same = move_system_voters(&world.state, &some);
    assert_true(move_same(&some, &same));
    member(&world, 4)->up = false; // for a while
    same = move_system_voters(&world.state, &some);
    assert_true(move_same(&some, &same));
    member(&world, 4)->holds = false; // for good
    five = move_system_voters(&world.state, &some);
    assert_int_equal(five.count, 5);
    assert_false(move_has(&five, 4));
    member(&world, 1)->holds = false;
    member(&world, 2)->holds = false;
    member(&world, 3)->zone = 3;
    member(&world, 5)->zone = 5;
    struct move_nodes three = {.count = 3, .items = {1, 6, 7}};
    three = move_system_voters(&world.state, &three);
    assert_int_equal(three.count, 3);
    assert_true(move_has(&three, 3));
    assert_true(move_has(&three, 5));
    arena_destroy(&world.arena);
}

// Whether a group that lost a copy has to wait for one that only moves.
static bool a_poor_one_waits(uint32_t lost) {
    struct world world;
    struct move_step steps[GROUPS];
    world_init(&world, 5);
    member_add(&world, 6, 0);
    member_add(&world, 7, 0);
    member(&world, lost)->up = false;
    member(&world, lost)->holds = false;
    targets_follow(&world);
    uint32_t count = move_steps(&world.state, &(struct move_bounds){.per_node = 9}, steps);
    bool rich_before = false;
    bool waits = false;
    for (uint32_t i = 0; i < count; i++) {
        const struct move_group *group = &world.groups[steps[i].group];
        bool poor = move_has(&group->voters, lost);
        waits = waits || (poor && rich_before);
        // Another leader for the same copies costs nothing.
        rich_before = rich_before || (!poor && !move_same(&steps[i].planned, &group->voters));
    }
    arena_destroy(&world.arena);
    return waits;
}

static void who_lost_a_copy_does_not_wait_for_who_only_moves(void **state) {
    (void)state;
    for (uint32_t lost = 1; lost <= 5; lost++) {
        assert_false(a_poor_one_waits(lost));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_rise_as_nodes_join_and_stay_as_they_leave),
        cmocka_unit_test(a_dead_node_is_replaced_and_the_poorest_come_first),
        cmocka_unit_test(a_newcomer_that_goes_before_it_came_is_given_up),
        cmocka_unit_test(nobody_waits_for_a_node_that_is_away),
        cmocka_unit_test(a_group_without_a_majority_is_left_alone),
        cmocka_unit_test(members_come_and_go_at_random),
        cmocka_unit_test(who_is_needed_may_not_leave),
        cmocka_unit_test(a_place_is_taken_in_as_many_zones),
        cmocka_unit_test(the_system_group_has_three_votes_or_five),
        cmocka_unit_test(who_lost_a_copy_does_not_wait_for_who_only_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
