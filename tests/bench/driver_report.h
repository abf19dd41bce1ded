// Figures: a series of samples for percentiles, and rows whose values are medians over runs.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    RUNS_MAX = 64,
    ROWS_MAX = 32
};

// Samples of one run. Zeroed is empty.
struct series {
    int64_t *samples;
    size_t count;
    size_t capacity;
};

void series_add(struct series *series, int64_t sample);
void series_clear(struct series *series);
void series_deinit(struct series *series);

// The sample below which `percent` of them lie, 0 to 100; 0 of none. Sorts.
int64_t series_percentile(struct series *series, double percent);

// A table of figures, each with a value a run. Zeroed is empty.
struct report {
    struct report_row {
        char name[80];
        const char *unit;
        const char *goal; // NULL: none
        double values[RUNS_MAX];
        size_t count;
    } rows[ROWS_MAX];
    size_t row_count;
};

// Adds one run's value to the row called `name`, made when it is new. `unit` and `goal` are
// literals.
void report_add(
    struct report *report, const char *name, const char *unit, const char *goal, double value
);

// Prints the rows as a table under `title`: median, least, most, number of runs, goal.
void report_print(struct report *report, const char *title);
