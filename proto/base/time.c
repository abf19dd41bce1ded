// Calendar arithmetic over 400-year eras that begin on 1 March, so that the leap day is the last of
// its year (the method of H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
#include "proto/base/time.h"

#include "proto/base/check.h"

#include <stdio.h>
#include <string.h>

enum {
    MS_PER_DAY = 86400000,
    DAYS_PER_ERA = 146097,
    DAYS_TO_EPOCH = 719468
};

int64_t time_days_from_civil(int64_t year, unsigned month, unsigned day) {
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month_from_march = (int64_t)(month > 2 ? month - 3 : month + 9);
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + (int64_t)day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH;
}

void time_civil_from_days(int64_t days, int64_t *out_year, unsigned *out_month, unsigned *out_day) {
    days += DAYS_TO_EPOCH;
    int64_t era = (days >= 0 ? days : days - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    int64_t day_of_era = days - era * DAYS_PER_ERA;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    *out_day = (unsigned)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    *out_month = (unsigned)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    *out_year = year_of_era + era * 400 + (*out_month <= 2);
}

void wall_time_iso(wall_time time, char out[WALL_TIME_ISO_BYTES]) {
    int64_t days = time.ms / MS_PER_DAY;
    int64_t rest = time.ms % MS_PER_DAY;
    if (rest < 0) {
        rest += MS_PER_DAY;
        days--;
    }
    int64_t year = 0;
    unsigned month = 0;
    unsigned day = 0;
    time_civil_from_days(days, &year, &month, &day);
    char text[64];
    int size = snprintf(
        text,
        sizeof(text),
        "%04d-%02u-%02uT%02u:%02u:%02u.%03uZ",
        (int)year,
        month,
        day,
        (unsigned)(rest / 3600000),
        (unsigned)(rest / 60000 % 60),
        (unsigned)(rest / 1000 % 60),
        (unsigned)(rest % 1000)
    );
    check(size == WALL_TIME_ISO_BYTES);
    memcpy(out, text, WALL_TIME_ISO_BYTES);
}
