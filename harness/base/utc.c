/* SPDX-License-Identifier: GPL-3.0-or-later
 * The time that is written into files. */
#include "base/utc.h"

#include <ctype.h>
#include <stdlib.h>
#include <time.h>

enum cp_status cp_utc_time(char text[32], struct cp_error *err) {
    const char *fixed = getenv("SOURCE_DATE_EPOCH");
    char *end = NULL;
    struct tm utc;
    const time_t seconds = fixed ? (time_t)strtoll(fixed, &end, 10) : time(NULL);
    const int number = !fixed || (isdigit((unsigned char)fixed[0]) && !*end);
    if (!number || !gmtime_r(&seconds, &utc) || strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
        return (void)cp_fail(err, CP_BAD_INPUT, "SOURCE_DATE_EPOCH", "'%s' is not a time",
                             fixed ? fixed : ""),
               cp_expected(err, "seconds since 1970, such as 1700000000");
    return CP_OK;
}
